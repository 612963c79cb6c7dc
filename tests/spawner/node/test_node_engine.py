"""node for real: its own process, a real engine, real iptables, and containers that try to get out.

Runs in the tests' own network namespace. Every address that must not be reached is planted here,
so that a probe that got through would be seen. A probe tells three things apart: ``open``,
``closed`` (the packet arrived and was turned away) and ``dropped``.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests.spawner.node.real_node import (
    BRIDGE,
    DRIVE_IMAGE,
    GATEWAY,
    GRACE_S,
    HUB,
    IMAGE,
    INTERNET,
    METADATA,
    NEIGHBOUR,
    PROJECT,
    PROXY,
    ROOT,
    SERVICE,
    SERVICE_PORT,
    SIDECAR,
    Running,
    eventually,
    ip,
    listening,
    namespace,
    node_json,
    remove_firewall,
    rules,
    tiny_image,
)

pytestmark = pytest.mark.engine


BEARER = "a-bearer-that-nobody-may-see"


class Sidecar:
    """A user's, by way of node's own routes."""

    def __init__(self, running: Running, user: str) -> None:
        self._running = running
        self.user, self.session = user, "0123456789ab"
        self.name = f"{PROJECT}-{user}-{self.session}-drive"
        self._url = f"{running.node.base_url}/carrel/drive"

    def start(self) -> int:
        body = {
            "session": self.session,
            "bearer": BEARER,
            "hub_url": f"http://{HUB}:8081/hub/api/carrel/drive",
            "proxies": [],
        }
        return self._running.node.put(f"{self._url}/{self.user}", json=body).status_code

    def stop(self) -> int:
        node = self._running.node
        return node.post(f"{self._url}/{self.user}/{self.session}/stop", timeout=60).status_code

    def listed(self) -> list[dict[str, object]]:
        return list(self._running.ask("/carrel/drive")["sidecars"])

    @property
    def pid(self) -> int:
        return int(self._running.engine.api.inspect_container(self.name)["State"]["Pid"])

    def bash(self, script: str) -> str:
        return _bash(self._running, self.name, script)


def _bash(running: Running, container: str, script: str) -> str:
    command = ["bash", "-c", f"{{ {script}; }} 2>/dev/null"]
    return str(running.engine.containers.get(container).exec_run(command)[1].decode().strip())


@pytest.fixture(autouse=True)
def own_namespace():
    """These tests flush firewalls: never where the machine's own network is."""
    command = ["ip", "netns", "identify", str(os.getpid())]
    name = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert name, "run these through ./carrel test"


@pytest.fixture
def outside() -> Iterator[str]:
    """A host beyond this one, in a namespace of its own; yields how to run commands on it."""
    holder = subprocess.Popen(["unshare", "--net", "sleep", "300"])
    try:
        eventually(lambda: namespace(holder.pid) != namespace("self"), within_s=5)
        ip(
            "link",
            "add",
            "nodet1",
            "type",
            "veth",
            "peer",
            "name",
            "nodet2",
            "netns",
            str(holder.pid),
        )
        ip("address", "add", f"{NEIGHBOUR}/24", "dev", "nodet1")
        ip("link", "set", "nodet1", "up")
        there = ["nsenter", f"--net=/proc/{holder.pid}/ns/net"]
        for line in (
            "ip link set lo up",
            f"ip address add {INTERNET}/24 dev nodet2",
            "ip link set nodet2 up",
            f"ip route add 10.214.0.0/22 via {NEIGHBOUR}",
        ):
            subprocess.run([*there, *line.split()], check=True)
        yield " ".join(there)
    finally:
        holder.kill()
        holder.wait()


@pytest.fixture
def engine_client(engine) -> Iterator[docker.DockerClient]:
    client = docker.DockerClient(base_url=f"unix://{engine.socket}", timeout=60)
    yield client
    client.close()


@pytest.fixture
def network(engine_client) -> Iterator[None]:
    pool = docker.types.IPAMPool(subnet="10.214.0.0/22", iprange="10.214.2.0/23", gateway=GATEWAY)
    made = engine_client.networks.create(
        f"{PROJECT}-sessions",
        driver="bridge",
        options={
            "com.docker.network.bridge.name": BRIDGE,
            "com.docker.network.bridge.enable_icc": "false",
        },
        ipam=docker.types.IPAMConfig(pool_configs=[pool]),
    )
    yield
    for label in (f"carrel.project={PROJECT}", "nodetest=1"):
        for container in engine_client.containers.list(all=True, filters={"label": label}):
            container.remove(force=True, v=True)
    made.remove()


@pytest.fixture
def image(engine_client) -> str:
    if not engine_client.images.list(IMAGE):
        repository, tag = IMAGE.split(":")
        engine_client.api.import_image_from_data(tiny_image(), repository, tag)
    return IMAGE


@pytest.fixture
def drive_image(engine_client) -> str:
    """The same, with a program of its own, as the sidecar's has."""
    repository, tag = DRIVE_IMAGE.split(":")
    command = json.dumps(["bash", "-c", SIDECAR])
    engine_client.api.import_image_from_data(
        tiny_image(), repository, tag, changes=[f"CMD {command}"]
    )
    return DRIVE_IMAGE


@pytest.fixture
def running(engine, engine_client, network, image) -> Iterator[Running]:
    """node as a process of its own, up and with its firewall in place."""
    data_dir = Path(tempfile.mkdtemp(prefix="node-", dir="/var/tmp"))
    data_dir.chmod(0o755)
    (data_dir / "etc").mkdir()
    (data_dir / "etc/node.json").write_text(json.dumps(node_json(data_dir, engine)))
    log = data_dir / "node.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "spawner.node"],
            cwd=ROOT,
            env={**os.environ, "CARREL_ETC": str(data_dir / "etc")},
            stdout=output,
            stderr=output,
        )
    socket_path = data_dir / "run/node.sock"
    node = None
    try:
        eventually(lambda: socket_path.exists() or process.poll() is not None, 20)
        assert process.poll() is None, log.read_text()
        node = docker.APIClient(base_url=f"unix://{socket_path}", timeout=60)
        yield Running(engine_client, node, data_dir, process, log, engine.session_uid)
    finally:
        if node is not None:
            node.close()
        process.terminate()
        process.wait(20)
        remove_firewall()
        shutil.rmtree(data_dir)


def test_who_reaches_whom(running, outside):
    """The whole matrix at once: sessions, the trusted two, the host, its network, the internet."""
    ann, bob = running.session("ann"), running.session("bob")
    hub, proxy, service = (running.trusted(one) for one in (HUB, PROXY, SERVICE))
    ann_ip, bob_ip = running.address(ann), running.address(bob)
    server = f"{outside} {sys.executable} -m http.server --bind {INTERNET} 8080".split()
    ip("address", "add", f"{METADATA}/32", "dev", "lo")
    internet = subprocess.Popen(server, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with listening("0.0.0.0") as port:
            for address in (METADATA, GATEWAY, NEIGHBOUR):  # they are there, for those who may
                socket.create_connection((address, port), 3).close()
            eventually(lambda: running.probe(hub, INTERNET, 8080) == "open", 10)
            found = {
                "session to session": running.probe(ann, bob_ip, 8888),
                "and back": running.probe(bob, ann_ip, 22),
                "session to the host's bridge": running.probe(ann, GATEWAY, port),
                "session to the host's outer address": running.probe(ann, NEIGHBOUR, port),
                "session to link-local": running.probe(ann, METADATA, port),
                "session to the internet": running.probe(ann, INTERNET, 8080),
                "session to the hub's API": running.probe(ann, HUB, 8081),
                "session to the hub's other ports": running.probe(ann, HUB, 8082),
                "session to the proxy's API": running.probe(ann, PROXY, 8001),
                "session to the proxy": running.probe(ann, PROXY, 8000),
                "session to a service": running.probe(ann, SERVICE, SERVICE_PORT),
                "session to a service's other ports": running.probe(ann, SERVICE, 22),
                "service to a session": running.probe(service, ann_ip, 8888),
                "service to the internet": running.probe(service, INTERNET, 8080),
                "service to the host": running.probe(service, GATEWAY, port),
                "proxy to a session's server": running.probe(proxy, ann_ip, 8888),
                "proxy to a session's other ports": running.probe(proxy, ann_ip, 22),
                "proxy to the hub": running.probe(proxy, HUB, 8081),
                "proxy to the internet": running.probe(proxy, INTERNET, 8080),
                "proxy to the host": running.probe(proxy, GATEWAY, port),
                "hub to a session's server": running.probe(hub, bob_ip, 8888),
                "hub to a session's other ports": running.probe(hub, bob_ip, 22),
                "hub to the proxy's API": running.probe(hub, PROXY, 8001),
                "hub to the host": running.probe(hub, GATEWAY, port),
            }
        neighbour = f"{outside} timeout 1 bash -c".split()
        tried = subprocess.run(
            [*neighbour, f"exec 3<>/dev/tcp/{ann_ip}/8888"], capture_output=True, check=False
        )
    finally:
        internet.kill()
        internet.wait()
        ip("address", "delete", f"{METADATA}/32", "dev", "lo")

    assert found == {
        "session to session": "dropped",
        "and back": "dropped",
        "session to the host's bridge": "dropped",
        "session to the host's outer address": "dropped",
        "session to link-local": "dropped",
        "session to the internet": "open",
        "session to the hub's API": "closed",  # nobody listens, but the packet arrived
        "session to the hub's other ports": "dropped",
        "session to the proxy's API": "dropped",
        "session to the proxy": "dropped",
        "session to a service": "closed",
        "session to a service's other ports": "dropped",
        "service to a session": "dropped",
        "service to the internet": "dropped",
        "service to the host": "dropped",
        "proxy to a session's server": "closed",
        "proxy to a session's other ports": "dropped",
        "proxy to the hub": "closed",
        "proxy to the internet": "dropped",
        "proxy to the host": "dropped",
        "hub to a session's server": "closed",
        "hub to a session's other ports": "dropped",
        "hub to the proxy's API": "closed",
        "hub to the host": "dropped",
    }
    assert tried.returncode == 124, "a neighbour of this host reached a session"


def test_a_drive_sidecar_sees_its_two_folders_and_nothing_of_the_session(running, drive_image):
    """Which has the same files, and root of the same users."""
    home = running.data_dir / "homes/ann"
    home.mkdir()
    (home / "drive").write_text("mine")
    binds = [f"{home}:/content:rw", f"{running.data_dir}/drive/ann:/content/drive:rw"]
    session = running.create("ann", ["sleep", "600"], Binds=binds)
    running.node.start(session)
    sidecar = Sidecar(running, "ann")
    assert sidecar.start() == 204
    assert sidecar.start() == 409

    # What the session writes, closed to everybody, is there; and nothing else of the session is.
    hidden = "echo one > /content/drive/MyDrive/a; : > /content/secret"
    _bash(running, session, hidden)
    assert _bash(running, session, "cat '/content/drive (moved aside)'") == "mine"
    (running.data_dir / "drive/ann/MyDrive/a").chmod(0)
    os.chown(running.data_dir / "drive/ann/MyDrive/a", running.session_uid + 4711, -1)
    assert sidecar.bash("cat /drive/MyDrive/a; echo two > /drive/MyDrive/b") == "one"
    assert _bash(running, session, "cat /content/drive/MyDrive/b") == "two"
    assert "no" in sidecar.bash("[[ -e /content || -e /state/secret ]] || echo no")
    seen = sidecar.bash("while read -r line; do echo $line; done < /proc/self/mountinfo")
    data = {line.split()[4] for line in seen.splitlines() if "/drive" in line.split()[3]}
    assert data == {"/drive", "/state"}

    # No namespace of the session's but the map of its users.
    other = running.engine.api.inspect_container(session)["State"]["Pid"]
    for kind in ("net", "pid", "ipc", "uts", "mnt", "cgroup"):
        places = (Path(f"/proc/{pid}/ns/{kind}") for pid in (other, sidecar.pid, "self"))
        assert len({place.readlink() for place in places}) == 3, kind
    assert len({Path(f"/proc/{pid}/uid_map").read_text() for pid in (other, sidecar.pid)}) == 1
    address = running.address(sidecar.name)
    assert running.probe(session, address, 8888) == "dropped"
    assert running.probe(sidecar.name, running.address(session), 8888) == "dropped"
    assert [one["Id"] for one in running.node.containers(all=True)] == [session]


def test_a_drive_sidecar_is_held_tighter_than_a_session(running, drive_image):
    sidecar = Sidecar(running, "ann")
    assert sidecar.start() == 204
    status = sidecar.bash("cat /proc/1/status")
    held = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert int(held["CapEff"], 16) == int(held["CapBnd"], 16) == 1 << 1 | 1 << 3
    assert (held["NoNewPrivs"], held["Seccomp"]) == ("1", "2")
    for place in ("/x", "/etc/x", "/usr/bin/x", "/proc/sys/kernel/x"):
        assert sidecar.bash(f": > {place} && echo written || echo no") == "no"
    assert sidecar.bash(": > /tmp/x && echo written") == "written"
    limits = running.engine.api.inspect_container(sidecar.name)["HostConfig"]
    assert (limits["Memory"], limits["PidsLimit"]) == (256 * 2**20, 128)
    theirs = Path(f"/proc/{sidecar.pid}/oom_score_adj").read_text()
    assert int(theirs) == 700

    assert sidecar.bash("cat /state/bearer") == BEARER
    assert BEARER not in json.dumps(running.engine.api.inspect_container(sidecar.name))
    assert running.node.containers(all=True) == []
    with pytest.raises(docker.errors.APIError, match="not a session"):
        running.node.kill(sidecar.name)


def test_a_drive_sidecar_flushes_and_ends_within_its_grace(running, drive_image):
    sidecar = Sidecar(running, "ann")
    assert sidecar.start() == 204
    began = time.monotonic()
    assert sidecar.stop() == 204
    assert time.monotonic() - began < GRACE_S
    state = running.data_dir / "drive-state/ann"
    assert ((state / "end").read_text(), (state / "bearer").exists()) == ("flushed\n", False)
    assert (sidecar.listed(), sidecar.stop()) == ([], 404)

    # One that hangs is ended all the same, once its grace is over; and one that crashed is told.
    (running.data_dir / "drive/ann/stubborn").touch()
    assert sidecar.start() == 204
    began = time.monotonic()
    assert sidecar.stop() == 204
    assert GRACE_S <= time.monotonic() - began < GRACE_S + 5
    assert sidecar.start() == 204
    running.engine.api.kill(sidecar.name)
    eventually(lambda: sidecar.listed()[0]["state"] == "exited", 5)
    assert sidecar.listed()[0]["exit_code"] == 137


@pytest.mark.parametrize(
    "harm",
    [
        ["iptables -F"],
        ["ip6tables -F"],
        ["iptables -F DOCKER-USER"],
        [f"iptables -F CARREL-{PROJECT}-FWD"],
        [f"iptables -D INPUT -j CARREL-{PROJECT}-IN"],
        ["iptables -I DOCKER-USER 1 -j ACCEPT"],
        # as after a restart of the engine that made its chains anew
        [
            "iptables -D FORWARD -j DOCKER-USER",
            "iptables -F DOCKER-USER",
            "iptables -X DOCKER-USER",
        ],
    ],
    ids=lambda harm: harm[-1],
)
def test_the_firewall_is_put_back_within_ten_seconds(running, harm):
    """Whoever takes it, and whatever part; and then two sessions are apart as before."""
    before = subprocess.run(["iptables-save"], capture_output=True, check=True).stdout
    whole = rules(), rules("ip6tables-save")
    assert len(whole[0]) > 20
    try:
        for line in harm:
            subprocess.run([line.split()[0], "-w", *line.split()[1:]], check=True)
        assert (rules(), rules("ip6tables-save")) != whole or "ACCEPT" in harm[0]

        eventually(lambda: (rules(), rules("ip6tables-save")) == whole and _first(), within_s=10)

        ann, bob = running.session("ann"), running.session("bob")
        assert running.probe(ann, running.address(bob), 8888) == "dropped"
        assert running.ask("/carrel/health")["firewall"] is True
    finally:
        subprocess.run(["iptables-restore"], input=before, check=True)


def _first() -> bool:
    said = subprocess.run(["iptables", "-w", "-S", "DOCKER-USER"], capture_output=True, check=True)
    entered = said.stdout.decode().splitlines()[1]
    return entered == f"-A DOCKER-USER -j CARREL-{PROJECT}-FWD"


def test_a_connection_made_while_the_rules_were_gone_is_cut(running):
    """ "Established" must not mean "for ever": its own direction is judged packet by packet."""
    ann = running.engine.containers.get(running.session("ann"))
    chain = f"CARREL-{PROJECT}-IN"
    with socket.create_server(("0.0.0.0", 0)) as server:
        server.settimeout(5)
        port = server.getsockname()[1]
        talk = f"exec 3<>/dev/tcp/{GATEWAY}/{port}; while echo x >&3; do sleep 0.1; done"
        running.process.send_signal(signal.SIGSTOP)
        try:
            subprocess.run(["iptables", "-w", "-D", "INPUT", "-j", chain], check=True)
            ann.exec_run(["bash", "-c", talk], detach=True)
            connection, _ = server.accept()
        finally:
            running.process.send_signal(signal.SIGCONT)
        with connection:
            connection.settimeout(1.5)
            assert connection.recv(1)

            eventually(lambda: f"-A INPUT -j {chain}" in rules(), within_s=10)

            until = time.monotonic() + 5
            with pytest.raises(TimeoutError):
                while time.monotonic() < until:
                    connection.recv(4096)


@pytest.mark.parametrize(
    "host",
    [
        {"Privileged": True},
        {"Binds": ["/:/content:rw"]},
        {"PidMode": "host"},
        {"NetworkMode": "host"},
        {"CapAdd": ["SYS_ADMIN"]},
        {"Mounts": [{"Type": "bind", "Source": "/", "Target": "/mnt"}]},
    ],
)
def test_a_hostile_create_leaves_no_container(running, host):
    with pytest.raises(docker.errors.APIError) as caught:
        running.create("ann", ["sleep", "1"], **host)

    assert caught.value.status_code == 403
    assert f"HostConfig.{next(iter(host))}" in str(caught.value)
    label = {"label": f"carrel.project={PROJECT}"}
    assert running.engine.containers.list(all=True, filters=label) == []
    assert f"HostConfig.{next(iter(host))}" in running.log.read_text()


def test_a_home_swapped_for_a_symlink_between_create_and_start_is_refused(running):
    made = running.create("ann", ["sleep", "1"])
    (running.data_dir / "homes/ann").rmdir()
    (running.data_dir / "homes/ann").symlink_to("/")

    with pytest.raises(docker.errors.APIError) as caught:
        running.node.start(made)

    assert caught.value.status_code == 403
    assert running.engine.api.inspect_container(made)["State"]["Status"] == "created"


def test_a_session_is_root_of_its_home_and_confined(running, engine):
    made = running.session("ann")
    inside = running.engine.containers.get(made)

    code, said = inside.exec_run(["bash", "-c", "echo kept > /content/file && echo $UID"])
    status = inside.exec_run(["cat", "/proc/1/status"]).output.decode()

    assert (code, said) == (0, b"0\n")
    found = (running.data_dir / "homes/ann/file").stat()
    assert found.st_uid == engine.session_uid
    assert "NoNewPrivs:\t1" in status
    assert "CapBnd:\t00000000000000cb" in status
    host = running.engine.api.inspect_container(made)["HostConfig"]
    assert (host["Memory"], host["PidsLimit"], host["Privileged"]) == (2**28, 64, False)


def test_containers_of_others_are_out_of_reach(running):
    other = running.trusted(HUB)

    for act in ("inspect_container", "start", "stop", "kill", "remove_container", "logs"):
        with pytest.raises(docker.errors.APIError) as caught:
            getattr(running.node, act)(other)
        assert caught.value.status_code == 403
    assert running.engine.api.inspect_container(other)["State"]["Running"]
    assert running.node.containers(all=True) == []


def test_logs_and_events_stream(running):
    events = running.node.events(decode=True, filters={"event": ["die", "destroy"]})
    running.trusted(HUB)  # not a session: no event of it may come
    made = running.session("ann", ["bash", "-c", "echo one; sleep 1; echo two; exit 3"])

    lines = list(running.node.logs(made, stream=True, follow=True))
    exited = next(events)
    inspected = running.node.inspect_container(made)
    running.node.remove_container(made)
    removed = next(events)
    events.close()

    assert b"".join(lines) == b"one\ntwo\n"
    assert (exited["status"], exited["id"]) == ("die", made)
    assert (removed["status"], removed["id"]) == ("destroy", made)
    assert exited["Actor"]["Attributes"]["exitCode"] == "3"
    assert inspected["State"]["ExitCode"] == 3


def test_the_firewall_stays_and_the_socket_goes_when_node_stops(running):
    before = rules()

    running.process.terminate()

    assert running.process.wait(10) == 0
    assert rules() == before
    assert not (running.data_dir / "run/node.sock").exists()


def test_the_healthcheck_says_how_it_is(running):
    command = [sys.executable, "-m", "spawner.node", "health"]
    env = {**os.environ, "CARREL_ETC": str(running.data_dir / "etc")}

    well = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, check=False)
    running.process.send_signal(signal.SIGTERM)
    running.process.wait(10)
    ill = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, check=False)

    assert well.returncode == 0, well.stderr
    assert ill.returncode == 1
    assert b"does not answer" in ill.stderr
