"""node.json is read strictly: what is missing, unknown or out of form stops node at its start."""

from __future__ import annotations

import json
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from spawner.errors import CarrelError, Code
from spawner.node import config as node_config
from spawner.node.config import Allowed


@pytest.fixture
def table(config):
    """The fixture's node.json, as a dictionary to spoil."""
    return {
        "project": config.project,
        "data_dir": str(config.data_dir),
        "engine_socket": str(config.engine_socket),
        "socket": str(config.socket),
        "hub_uid": 101000,
        "session_uid": 100000,
        "images": list(config.images),
        "tools_image": config.tools_image,
        "drive_image": "carrel/drivesync:1",
        "drive_grace_s": 75,
        "network": {
            "name": "carrel-sessions",
            "bridge": "carrel0",
            "subnet": "10.203.0.0/20",
            "hub": "10.203.0.2",
            "proxy": "10.203.0.3",
            "hub_port": 8081,
            "allow": ["10.9.0.0/16", "192.168.7.7:3142"],
            "services": [],
        },
        "limits": {
            "sessions_max_bytes": 9,
            "memory_max_bytes": 1,
            "nano_cpus_max": 2,
            "pids_max": 3,
            "shm_max_bytes": 4,
            "log_max_bytes": 5,
        },
    }


def test_every_value_arrives(table, data_dir):
    read = node_config.parse(json.dumps(table))

    assert (read.hub_uid, read.session_uid) == (101000, 100000)
    assert read.homes == Path(data_dir) / "homes"
    assert read.network.subnet == IPv4Network("10.203.0.0/20")
    assert read.network.hub == IPv4Address("10.203.0.2")
    assert read.network.allow == (
        Allowed(IPv4Network("10.9.0.0/16"), 0),
        Allowed(IPv4Network("192.168.7.7/32"), 3142),
    )
    assert (read.limits.memory_max_bytes, read.limits.log_max_bytes) == (1, 5)
    assert read.limits.sessions_max_bytes == 9


@pytest.mark.parametrize(
    ("where", "value", "reason"),
    [
        ("project", "Carrel", "project"),
        ("project", "a" * 18, "project"),
        ("data_dir", "srv/carrel", "data_dir"),
        ("data_dir", "/srv/../etc", "data_dir"),
        ("data_dir", "/srv/a b", "data_dir"),
        ("data_dir", "/srv:/x", "data_dir"),
        ("hub_uid", "1000", "hub_uid"),
        ("hub_uid", -1, "hub_uid"),
        ("images", "carrel/session-base", "images"),
        ("extra", 1, "extra"),
        ("network.bridge", "a" * 16, "network.bridge"),
        ("network.bridge", "b -j ACCEPT", "network.bridge"),
        ("network.subnet", "10.203.0.1/20", "host bits"),
        ("network.subnet", "fd00::/64", "network.subnet"),
        ("network.hub", "10.204.0.2", "network.hub"),
        ("network.proxy", "10.203.0.2", "network.proxy"),
        ("network.hub_port", 0, "network.hub_port"),
        ("network.allow", ["10.0.0.0/8 -j ACCEPT"], "network.allow"),
        ("network.allow", ["10.0.0.0/8:99999"], "network.allow"),
        ("network.allow", ["10.0.0.1/8"], "host bits"),
        ("network.allow", ["fd00::/8"], "network.allow"),
        ("network.services", ["10.203.0.4"], "network.services"),
        ("network.services", ["10.203.0.4:0"], "network.services"),
        ("network.services", ["10.203.0.2:8095"], "network.services"),
        ("network.services", ["10.9.0.4:8095"], "network.services"),
        ("network.services", ["10.203.0.4/30:8095"], "network.services"),
        ("drive_image", "carrel/drivesync:1 --privileged", "drive_image"),
        ("network.more", 1, "network.more"),
        ("limits.pids_max", 0, "limits.pids_max"),
        ("limits.pids_max", None, "limits.pids_max"),
        ("limits.more", 1, "limits.more"),
    ],
)
def test_a_value_out_of_form_is_named(table, where, value, reason):
    target = table
    *path, key = where.split(".")
    for part in path:
        target = target[part]
    target[key] = value

    with pytest.raises(CarrelError, match=reason) as caught:
        node_config.parse(json.dumps(table))

    assert caught.value.code is Code.BAD_INPUT


@pytest.mark.parametrize("key", ["project", "data_dir", "hub_uid", "network", "limits"])
def test_a_missing_value_is_named(table, key):
    del table[key]

    with pytest.raises(CarrelError, match=key):
        node_config.parse(json.dumps(table))


def test_a_missing_file_says_who_writes_it(tmp_path):
    with pytest.raises(CarrelError, match="carrel up"):
        node_config.load(tmp_path / "node.json")
