"""Create bodies crafted against node's rules: each refused with its reason, none at the engine."""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spawner.errors import CarrelError, Code
from spawner.node import rules
from spawner.node.body import build

TOKEN = "s3cr3t-token"
Body = dict[str, Any]
Change = Callable[[Body], Any]


def top(**fields: Any) -> Change:
    return lambda body: body.update(fields)


def host(**fields: Any) -> Change:
    return lambda body: body["HostConfig"].update(fields)


def label(**fields: Any) -> Change:
    return lambda body: body["Labels"].update({f"carrel.{k}": v for k, v in fields.items()})


def without(*path: str) -> Change:
    def change(body: Body) -> None:
        for key in path[:-1]:
            body = body[key]
        del body[path[-1]]

    return change


def another_bind(value):
    def change(body):
        (home,) = body["HostConfig"]["Binds"]
        data = home.partition("/homes/")[0]
        body["HostConfig"]["Binds"].append(value.replace("DATA", data))

    return change


def bind(text: str) -> Change:
    return lambda body: body["HostConfig"].update(
        Binds=[text.replace("DATA", body["HostConfig"]["Binds"][0].partition("/homes")[0])]
    )


MORE_CAPS = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SYS_ADMIN"]
HOSTILE: dict[str, tuple[Change, str]] = {
    # the host itself
    "privileged": (host(Privileged=True), "HostConfig.Privileged"),
    "privileged in another case": (host(privileged=True), "HostConfig.privileged"),
    "host pid": (host(PidMode="host"), "HostConfig.PidMode"),
    "another container's pid": (host(PidMode="container:x"), "HostConfig.PidMode"),
    "host ipc": (host(IpcMode="host"), "HostConfig.IpcMode"),
    "shared ipc": (host(IpcMode="shareable"), "HostConfig.IpcMode"),
    "host uts": (host(UTSMode="host"), "HostConfig.UTSMode"),
    "host users": (host(UsernsMode="host"), "HostConfig.UsernsMode"),
    "host cgroups": (host(CgroupnsMode="host"), "HostConfig.CgroupnsMode"),
    "cgroup parent": (host(CgroupParent="/"), "HostConfig.CgroupParent"),
    "cgroup of another": (host(Cgroup="container:x"), "HostConfig.Cgroup"),
    "host network": (host(NetworkMode="host"), "HostConfig.NetworkMode"),
    "another's network": (host(NetworkMode="container:hub"), "HostConfig.NetworkMode"),
    "default network": (host(NetworkMode="bridge"), "HostConfig.NetworkMode"),
    "no network mode": (without("HostConfig", "NetworkMode"), "HostConfig.NetworkMode"),
    "second network": (
        top(NetworkingConfig={"EndpointsConfig": {"carrel_control": {}}}),
        "NetworkingConfig",
    ),
    "the hub's address": (
        top(
            NetworkingConfig={
                "EndpointsConfig": {
                    "carrel-sessions": {"IPAMConfig": {"IPv4Address": "10.203.0.2"}}
                }
            }
        ),
        "NetworkingConfig",
    ),
    "mac address": (top(MacAddress="02:42:0a:cb:00:02"), "MacAddress"),
    "published port": (host(PortBindings={"8888/tcp": [{"HostPort": "22"}]}), "PortBindings"),
    "all ports published": (host(PublishAllPorts=True), "HostConfig.PublishAllPorts"),
    "another port": (top(ExposedPorts={"22/tcp": {}}), "ExposedPorts"),
    "dns of its own": (host(Dns=["10.0.0.1"]), "HostConfig.Dns"),
    "hosts of its own": (host(ExtraHosts=["hub:10.0.0.1"]), "HostConfig.ExtraHosts"),
    "links": (host(Links=["hub:hub"]), "HostConfig.Links"),
    # power
    "capability more": (host(CapAdd=[*MORE_CAPS, "SETUID"]), "HostConfig.CapAdd"),
    "capability swapped": (host(CapAdd=MORE_CAPS), "HostConfig.CapAdd"),
    "all capabilities": (host(CapAdd=["ALL"]), "HostConfig.CapAdd"),
    "capability twice": (host(CapAdd=["CHOWN"] * 5), "HostConfig.CapAdd"),
    "capabilities as text": (host(CapAdd="ALL"), "HostConfig.CapAdd"),
    "nothing dropped": (host(CapDrop=[]), "HostConfig.CapDrop"),
    "capabilities in new words": (host(Capabilities=["CAP_SYS_ADMIN"]), "HostConfig.Capabilities"),
    "new privileges": (host(SecurityOpt=[]), "HostConfig.SecurityOpt"),
    "no seccomp": (
        host(SecurityOpt=["no-new-privileges", "seccomp=unconfined"]),
        "HostConfig.SecurityOpt",
    ),
    "no apparmor": (host(SecurityOpt=["apparmor=unconfined"]), "HostConfig.SecurityOpt"),
    "nothing masked": (host(MaskedPaths=["/x"]), "HostConfig.MaskedPaths"),
    "nothing read-only": (host(ReadonlyPaths=["/x"]), "HostConfig.ReadonlyPaths"),
    "sysctl": (host(Sysctls={"net.ipv4.ip_forward": "1"}), "HostConfig.Sysctls"),
    "another runtime": (host(Runtime="nvidia"), "HostConfig.Runtime"),
    "group of the host": (host(GroupAdd=["docker"]), "HostConfig.GroupAdd"),
    "another account": (top(User="1000"), "User"),
    "hook of the runtime": (host(Annotations={"run.oci.x": "y"}), "HostConfig.Annotations"),
    # files
    "host root": (bind("/:/content:rw"), "HostConfig.Binds"),
    "engine socket": (bind("/var/run/docker.sock:/content:rw"), "HostConfig.Binds"),
    "all homes": (bind("DATA/homes:/content:rw"), "HostConfig.Binds"),
    "another's home": (bind("DATA/homes/bob:/content:rw"), "HostConfig.Binds"),
    "secrets": (bind("DATA/secrets:/content:rw"), "HostConfig.Binds"),
    "a way up": (bind("DATA/homes/ann/../../secrets:/content:rw"), "HostConfig.Binds"),
    "a way up and back": (bind("DATA/homes/../homes/ann:/content:rw"), "HostConfig.Binds"),
    "inside the home": (bind("DATA/homes/ann/link:/content:rw"), "HostConfig.Binds"),
    "two slashes": (bind("DATA/homes//ann:/content:rw"), "HostConfig.Binds"),
    "another place": (bind("DATA/homes/ann:/etc:rw"), "HostConfig.Binds"),
    "shared mounts": (bind("DATA/homes/ann:/content:rw,rshared"), "HostConfig.Binds"),
    "relabelled": (bind("DATA/homes/ann:/content:rw,Z"), "HostConfig.Binds"),
    "a volume by name": (bind("volume:/content:rw"), "HostConfig.Binds"),
    "two binds": (
        lambda body: body["HostConfig"]["Binds"].append("/etc:/mnt:ro"),
        "HostConfig.Binds",
    ),
    "a course to write": (
        another_bind("DATA/courses/ml/shared:/opt/carrel/courses/ml:rw"),
        "HostConfig.Binds",
    ),
    "all of a course": (
        another_bind("DATA/courses/ml:/opt/carrel/courses/ml:ro"),
        "HostConfig.Binds",
    ),
    "a course in another's place": (
        another_bind("DATA/courses/ml/shared:/opt/carrel/courses/ai:ro"),
        "HostConfig.Binds",
    ),
    "a course in place of the venv": (
        another_bind("DATA/courses/ml/shared:/opt/carrel/venv:ro"),
        "HostConfig.Binds",
    ),
    "a course that leads up": (
        another_bind("DATA/courses/../shared:/opt/carrel/courses/..:ro"),
        "HostConfig.Binds",
    ),
    "a course with a line break": (
        another_bind("DATA/courses/ml/shared:/opt/carrel/courses/ml:ro\n"),
        "HostConfig.Binds",
    ),
    "another's Drive": (another_bind("DATA/drive/bob:/content/drive:rw"), "HostConfig.Binds"),
    "all Drives": (another_bind("DATA/drive:/content/drive:rw"), "HostConfig.Binds"),
    "what a sidecar knows": (
        another_bind("DATA/drive-state/ann:/content/drive:rw"),
        "HostConfig.Binds",
    ),
    "a Drive elsewhere": (another_bind("DATA/drive/ann:/opt/carrel:rw"), "HostConfig.Binds"),
    "a Drive to read": (another_bind("DATA/drive/ann:/content/drive:ro"), "HostConfig.Binds"),
    "no bind": (without("HostConfig", "Binds"), "HostConfig.Binds"),
    "binds as an object": (host(Binds={"/": {"bind": "/content"}}), "HostConfig.Binds"),
    "mounts": (
        host(Mounts=[{"Type": "bind", "Source": "/", "Target": "/mnt"}]),
        "HostConfig.Mounts",
    ),
    "volume with options": (
        host(
            Mounts=[
                {
                    "Type": "volume",
                    "Target": "/mnt",
                    "VolumeOptions": {"DriverConfig": {"Options": {"o": "bind", "device": "/"}}},
                }
            ]
        ),
        "HostConfig.Mounts",
    ),
    "volumes from": (host(VolumesFrom=["node"]), "HostConfig.VolumesFrom"),
    "volume driver": (host(VolumeDriver="local"), "HostConfig.VolumeDriver"),
    "anonymous volume": (top(Volumes={"/content": {}}), "Volumes"),
    "tmpfs": (host(Tmpfs={"/run": "exec"}), "HostConfig.Tmpfs"),
    "storage options": (host(StorageOpt={"size": "1T"}), "HostConfig.StorageOpt"),
    "id file on the host": (host(ContainerIDFile="/etc/passwd"), "HostConfig.ContainerIDFile"),
    # devices
    "device": (
        host(Devices=[{"PathOnHost": "/dev/sda", "PathInContainer": "/dev/sda"}]),
        "HostConfig.Devices",
    ),
    "device rules": (host(DeviceCgroupRules=["a *:* rwm"]), "HostConfig.DeviceCgroupRules"),
    "device request": (
        host(DeviceRequests=[{"Driver": "nvidia", "Count": -1}]),
        "HostConfig.DeviceRequests",
    ),
    "device by variable": (top(Env=["NVIDIA_VISIBLE_DEVICES=all"]), "Env"),
    "device by any such variable": (top(Env=["nvidia_driver_capabilities=all"]), "Env"),
    "device of another maker": (top(Env=["AMD_VISIBLE_DEVICES=all"]), "Env"),
    # more than its share
    "memory over the limit": (host(Memory=2**40, MemorySwap=2**40), "HostConfig.Memory"),
    "no memory limit": (host(Memory=0, MemorySwap=0), "HostConfig.Memory"),
    "memory as a fraction": (host(Memory=1e9, MemorySwap=1e9), "HostConfig.Memory"),
    "memory as a truth": (host(Memory=True, MemorySwap=True), "HostConfig.Memory"),
    "swap": (host(MemorySwap=-1), "HostConfig.MemorySwap"),
    "swap left out": (without("HostConfig", "MemorySwap"), "HostConfig.MemorySwap"),
    "never killed": (host(OomKillDisable=True), "HostConfig.OomKillDisable"),
    "killed last": (host(OomScoreAdj=-1000), "HostConfig.OomScoreAdj"),
    "no cpu limit": (host(NanoCpus=0), "HostConfig.NanoCpus"),
    "cpu over the limit": (host(NanoCpus=10**12), "HostConfig.NanoCpus"),
    "real-time cpu": (host(CpuRealtimeRuntime=950000), "HostConfig.CpuRealtimeRuntime"),
    "no pids limit": (host(PidsLimit=-1), "HostConfig.PidsLimit"),
    "pids limit as a truth": (host(PidsLimit=True), "HostConfig.PidsLimit"),
    "pids limit left out": (without("HostConfig", "PidsLimit"), "HostConfig.PidsLimit"),
    "limits": (host(Ulimits=[{"Name": "nofile", "Soft": -1, "Hard": -1}]), "HostConfig.Ulimits"),
    "shm over the limit": (host(ShmSize=2**40), "HostConfig.ShmSize"),
    "logs to elsewhere": (
        host(LogConfig={"Type": "syslog", "Config": {"syslog-address": "tcp://10.0.0.1"}}),
        "HostConfig.LogConfig.Type",
    ),
    "logs without end": (
        host(LogConfig={"Type": "json-file", "Config": {"max-size": "-1", "max-file": "1"}}),
        "HostConfig.LogConfig.Config.max-size",
    ),
    "logs over the limit": (
        host(LogConfig={"Type": "json-file", "Config": {"max-size": "999m", "max-file": "1"}}),
        "HostConfig.LogConfig.Config.max-size",
    ),
    "log option more": (
        lambda body: body["HostConfig"]["LogConfig"]["Config"].update(tag="x"),
        "HostConfig.LogConfig.Config.tag",
    ),
    "lives for ever": (host(RestartPolicy={"Name": "always"}), "HostConfig.RestartPolicy"),
    "leaves no trace": (host(AutoRemove=True), "HostConfig.AutoRemove"),
    "no init": (host(Init=False), "HostConfig.Init"),
    "init as a number": (host(Init=1), "HostConfig.Init"),
    # who it is
    "image not listed": (top(Image="debian:trixie-slim"), "Image"),
    "image by digest": (top(Image="carrel/session-base@sha256:00"), "Image"),
    "image as a list": (top(Image=["carrel/session-base:1"]), "Image"),
    "another installation": (label(project="other"), "Labels.carrel.project"),
    "another user": (label(user="bob"), "name"),
    "another session": (label(session="ba9876543210"), "name"),
    "session id out of form": (label(session="../../../etc"), "Labels.carrel.session"),
    "user out of form": (label(user="Ann"), "Labels.carrel.user"),
    "user with a way up": (label(user="a..b"), "Labels.carrel.user"),
    "user who is a path": (label(user="../bob"), "Labels.carrel.user"),
    "profile with a line break": (label(profile="small\n"), "Labels.carrel.profile"),
    "one label more": (label(lease="1"), "Labels.carrel.lease"),
    "label of compose": (
        lambda body: body["Labels"].update({"com.docker.compose.project": "carrel"}),
        "Labels.com.docker.compose.project",
    ),
    "no labels": (top(Labels=None), "Labels"),
    # what runs
    "entrypoint": (top(Entrypoint=["/bin/sh"]), "Entrypoint"),
    "healthcheck": (top(Healthcheck={"Test": ["CMD", "x"]}), "Healthcheck"),
    "shell": (top(Shell=["/bin/sh"]), "Shell"),
    "command too long": (top(Cmd=["x"] * 65), "Cmd"),
    "command too big": (top(Cmd=["x" * 70000]), "Cmd"),
    "command with NUL": (top(Cmd=["x\0y"]), "Cmd"),
    "command as an object": (top(Cmd={"0": "sh"}), "Cmd"),
    "too many variables": (top(Env=[f"A{i}=1" for i in range(257)]), "Env"),
    "variables too big": (top(Env=["A=" + "x" * 70000]), "Env"),
    "variable with no name": (top(Env=["=x"]), "Env"),
    "variable with a space": (top(Env=["LD_PRELOAD =x"]), "Env"),
    "terminal": (top(Tty=True), "Tty"),
    "open stdin": (top(OpenStdin=True), "OpenStdin"),
    "another hostname": (top(Hostname="hub"), "Hostname"),
    "domain": (top(Domainname="example.org"), "Domainname"),
    "another working directory": (top(WorkingDir="/proc/self/fd/8"), "WorkingDir"),
    "host config as a list": (top(HostConfig=[]), "HostConfig"),
    "no host config": (without("HostConfig"), "HostConfig"),
    "unknown field": (top(Future={"x": 1}), "Future"),
    "unknown field of the host": (host(Future=1), "HostConfig.Future"),
    "field that forges the log": (
        lambda body: body.update({"x\nINFO carrel.node: all well": 1}),
        r"x\nINFO carrel.node: all well",
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
async def test_a_hostile_body_is_refused_before_the_engine(node, case, caplog):
    """403 with the field's name, the same in the log on one line, and nobody asked the engine."""
    change, reason = HOSTILE[case]
    hostile = copy.deepcopy(node.body)
    change(hostile)

    with caplog.at_level(logging.INFO):
        status, said = await node.create(hostile)

    assert (status, node.engine.requests) == (403, [])
    assert reason in said["message"]
    (line,) = [r.getMessage() for r in caplog.records if r.name == "carrel.node"]
    assert line.startswith("refused 403 POST /v1.41/containers/create: ")
    assert reason in line
    assert "\n" not in line
    assert TOKEN not in caplog.text + json.dumps(said)


def test_there_are_at_least_forty_hostile_bodies():
    assert len(HOSTILE) >= 40


@pytest.mark.parametrize("name", ["", "hub", "carrel-bob-0123456789ab", "carrel-ann-0123456789ac"])
async def test_a_name_that_is_not_the_sessions_is_refused(node, name):
    status, said = await node.create(node.body, name=name)

    assert status == 403
    assert said["message"].startswith("name: ")
    assert node.engine.requests == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"{", "malformed"),
        (b"[]", "one object"),
        (b'"x"', "one object"),
        (b"", "malformed"),
        (b'{"Image": "a", "Image": "b"}', "twice"),
        (b'{"HostConfig": {"Memory": NaN}}', "NaN"),
        (b'{"HostConfig": {"Memory": -Infinity}}', "Infinity"),
        (b'{"Image": "\\ud800"}', "malformed"),
        (b"[" * 200_000, "malformed"),
        (b'{"Memory": ' + b"9" * 10_000 + b"}", "malformed"),
        (b"\xff\xfe\x00", "malformed"),
    ],
)
async def test_what_is_not_plain_json_is_a_bad_request(node, text, reason):
    status, said = await node.ask("POST", "/containers/create?name=x", data=text)

    assert status == 400
    assert reason in said["message"]
    assert node.engine.requests == []


async def test_the_body_that_all_these_were_made_from_is_accepted(node):
    """Without this the refusals above would prove nothing."""
    status, said = await node.create(node.body)

    assert (status, said["Id"]) == (201, "a" * 64)


@pytest.mark.parametrize(
    "change",
    [
        host(RestartPolicy={"Name": "no", "MaximumRetryCount": 0}),
        host(RestartPolicy={"Name": ""}),
        host(AutoRemove=False, Privileged=False, Devices=[], Tmpfs={}, CpuShares=0),
        host(CapAdd=["SETUID", "SETGID", "FOWNER", "DAC_OVERRIDE", "CHOWN"]),
        top(Env=None, Cmd=None, User="", AttachStdout=False),
        top(Env=["JUPYTERHUB_ADMIN_ACCESS"]),
    ],
)
def test_what_a_client_leaves_empty_is_accepted(config, body, change):
    change(body)

    assert rules.decide("carrel-ann-0123456789ab", body, config).user == "ann"


def test_decide_takes_every_value_from_its_field(config, body):
    assert rules.decide("carrel-ann-0123456789ab", body, config) == rules.Spec(
        user="ann",
        session="0123456789ab",
        profile="small",
        image="carrel/session-base:1",
        command=("jupyterhub-singleuser", "--debug"),
        environment=(f"JUPYTERHUB_API_TOKEN={TOKEN}", "LANG=C.UTF-8"),
        memory_bytes=2**30,
        nano_cpus=10**9,
        pids=512,
        shm_bytes=2**26,
        log_bytes=10 * 2**20,
    )


def test_a_name_that_needs_escaping_has_one_folder_and_one_container(config, body):
    body["Labels"]["carrel.user"] = "ann@uni.example"
    body["HostConfig"]["Binds"] = [f"{config.homes}/ann_40uni_2eexample:/content:rw"]

    spec = rules.decide("carrel-ann_40uni_2eexample-0123456789ab", body, config)

    assert spec.home == "ann_40uni_2eexample"


def test_materials_of_courses_are_seen_and_not_written(config, body):
    data = config.data_dir
    body["HostConfig"]["Binds"] += [
        f"{data}/courses/{slug}/shared:/opt/carrel/courses/{slug}:ro" for slug in ("ml", "ai-2")
    ]

    spec = rules.decide("carrel-ann-0123456789ab", body, config)
    mounts = build(spec, config)["HostConfig"]["Mounts"]

    assert spec.courses == ("ml", "ai-2")
    assert [(m["Source"], m["Target"], m["ReadOnly"]) for m in mounts] == [
        (f"{data}/homes/ann", "/content", False),
        (f"{data}/courses/ml/shared", "/opt/carrel/courses/ml", True),
        (f"{data}/courses/ai-2/shared", "/opt/carrel/courses/ai-2", True),
    ]


def test_the_users_own_drive_is_seen_between_home_and_courses(config, body):
    data = config.data_dir
    drive = f"{data}/drive/ann:/content/drive:rw"
    course = f"{data}/courses/ml/shared:/opt/carrel/courses/ml:ro"
    home = body["HostConfig"]["Binds"][0]

    body["HostConfig"]["Binds"] = [home, drive, course]
    spec = rules.decide("carrel-ann-0123456789ab", copy.deepcopy(body), config)
    mounts = build(spec, config)["HostConfig"]["Mounts"]

    assert [(m["Source"], m["Target"], m["ReadOnly"]) for m in mounts] == [
        (f"{data}/homes/ann", "/content", False),
        (f"{data}/drive/ann", "/content/drive", False),
        (f"{data}/courses/ml/shared", "/opt/carrel/courses/ml", True),
    ]
    for other in ([drive, home], [home, course, drive], [home, drive, drive]):
        body["HostConfig"]["Binds"] = other
        with pytest.raises(CarrelError, match="Binds"):
            rules.decide("carrel-ann-0123456789ab", copy.deepcopy(body), config)


def test_a_course_twice_is_refused(config, body):
    bind = f"{config.data_dir}/courses/ml/shared:/opt/carrel/courses/ml:ro"
    body["HostConfig"]["Binds"] += [bind, bind]
    with pytest.raises(CarrelError, match="each once"):
        rules.decide("carrel-ann-0123456789ab", body, config)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=5,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data(), value=_JSON)
def test_whatever_a_field_holds_the_confinement_stays(config, body, data, value):
    """Any field, known or not, set to anything: a CarrelError, or the same confinement."""
    confined = build(rules.decide("carrel-ann-0123456789ab", body, config), config)["HostConfig"]
    tried = copy.deepcopy(body)
    where = data.draw(st.sampled_from(["top", "HostConfig", "Labels"]))
    table = tried if where == "top" else tried[where]
    table[data.draw(st.sampled_from(sorted(table)) | st.text(max_size=12))] = value

    try:
        built = build(rules.decide("carrel-ann-0123456789ab", tried, config), config)
    except CarrelError as error:
        assert error.code is Code.REFUSED
        return

    amounts = {"Memory", "MemorySwap", "NanoCpus", "PidsLimit", "ShmSize"}
    assert {k: v for k, v in built["HostConfig"].items() if k not in amounts} == {
        k: v for k, v in confined.items() if k not in amounts
    }
    assert all(0 < built["HostConfig"][amount] <= 2**31 for amount in amounts)
