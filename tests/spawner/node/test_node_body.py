"""The create body that reaches the engine, as a whole."""

from __future__ import annotations

from spawner.node.body import build
from spawner.node.rules import Spec

SPEC = Spec(
    user="ann@uni.example",
    session="0123456789ab",
    profile="small",
    image="carrel/session-base:1",
    command=("serve", "--x"),
    environment=("A=1",),
    memory_bytes=2**30,
    nano_cpus=10**9,
    pids=512,
    shm_bytes=2**26,
    log_bytes=10 * 2**20,
)


def test_the_body_says_the_confinement_itself_and_nothing_else(config):
    assert build(SPEC, config, "/all") == {
        "Image": "carrel/session-base:1",
        "Hostname": "carrel",
        "User": "",
        "Cmd": ["serve", "--x"],
        "Env": ["A=1", "NVIDIA_VISIBLE_DEVICES=void"],
        "WorkingDir": "/content",
        "ExposedPorts": {"8888/tcp": {}},
        "AttachStdin": False,
        "AttachStdout": False,
        "AttachStderr": False,
        "OpenStdin": False,
        "Tty": False,
        "Labels": {
            "carrel.project": "carrel",
            "carrel.session": "0123456789ab",
            "carrel.user": "ann@uni.example",
            "carrel.profile": "small",
        },
        "HostConfig": {
            "Privileged": False,
            "CapDrop": ["ALL"],
            "CapAdd": ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"],
            "SecurityOpt": ["no-new-privileges"],
            "Devices": [],
            "NetworkMode": "carrel-sessions",
            "PublishAllPorts": False,
            "IpcMode": "private",
            "CgroupnsMode": "private",
            "PidMode": "",
            "UTSMode": "",
            "UsernsMode": "",
            "Mounts": [
                {
                    "Type": "bind",
                    "Source": f"{config.data_dir}/homes/ann_40uni_2eexample",
                    "Target": "/content",
                    "ReadOnly": False,
                    "BindOptions": {"Propagation": "rprivate"},
                }
            ],
            "Memory": 2**30,
            "MemorySwap": 2**30,
            "NanoCpus": 10**9,
            "PidsLimit": 512,
            "OomScoreAdj": 500,
            "ShmSize": 2**26,
            "LogConfig": {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "1"}},
            "Init": True,
            "AutoRemove": False,
            "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
            "CgroupParent": "/all",
        },
    }


async def test_this_body_is_what_the_engine_gets(node):
    """Through the real server: the engine sees the written body, not the one that was sent."""
    await node.create(node.body)

    (sent,) = [r for r in node.engine.requests if r[1] == "/containers/create"]
    method, _, query, body = sent
    assert (method, query) == ("POST", {"name": "carrel-ann-0123456789ab"})
    assert body["HostConfig"]["Mounts"][0]["Source"] == f"{node.config.homes}/ann"
    assert "Binds" not in body["HostConfig"]
    assert set(body) == set(build(SPEC, node.config))
    assert set(body["HostConfig"]) == set(build(SPEC, node.config)["HostConfig"])
