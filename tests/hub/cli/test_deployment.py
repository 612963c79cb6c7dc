"""What `up` hands to the containers."""

from __future__ import annotations

import dataclasses
import json
import os
import re
from pathlib import Path

import pytest

from hub.cli import images
from hub.cli.deployment import Deployment, write_whole
from hub.cli.look import Engine, Machine
from hub.settings import Settings, load_resolved
from spawner.confinement import GIB

ENGINE = Engine(
    "20.10.24", "1.41", Path("/run/x.sock"), Path("/d/100000.100000"), 100000, False, True
)
DEPLOYMENT = Deployment(
    settings=Settings(),
    machine=Machine(2, 8 * GIB, 50 * GIB, (), "none"),
    engine=ENGINE,
    compose_version="1.29.2",
    references={"hub": "carrel/hub:1", "node": "carrel/node:1"},
    families={"base": "carrel/session-base:1"},
    proxies={},
    drive_image="carrel/drivesync:1",
)


def variables(deployment):
    lines = deployment.files()["compose.env"].splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_node_is_told_who_owns_what_and_what_a_session_may_have():
    assert json.loads(DEPLOYMENT.files()["node.json"]) == {
        "project": "carrel",
        "data_dir": "/srv/carrel",
        "engine_socket": "/var/run/docker.sock",
        "socket": "/srv/carrel/run/node.sock",
        "hub_uid": 160751,
        "session_uid": 100000,
        "images": ["carrel/session-base:1"],
        "tools_image": "carrel/hub:1",
        "drive_image": "carrel/drivesync:1",
        "drive_grace_s": 75,
        "network": {
            "name": "carrel-sessions",
            "bridge": "carrel0",
            "subnet": "10.203.0.0/20",
            "hub": "10.203.0.2",
            "proxy": "10.203.0.3",
            "hub_port": 8081,
            "allow": [],
            "services": [],
        },
        "limits": {
            "sessions_max_bytes": 7 * GIB,
            "memory_max_bytes": 3 * GIB,
            "nano_cpus_max": 2_000_000_000,
            "pids_max": 1024,
            "shm_max_bytes": 256 * 1024**2,
            "log_max_bytes": 10 * 1024**2,
        },
    }


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy"])
def test_the_hub_asks_google_through_the_sites_proxy_and_us_directly(name):
    site = {name: "http://proxy.example.org:3128", "NO_PROXY": "intern.example.org"}
    told = variables(dataclasses.replace(DEPLOYMENT, proxies=site))
    assert told["CARREL_HTTPS_PROXY"] == "http://proxy.example.org:3128"
    without = told["CARREL_NO_PROXY"].split(",")
    assert {"intern.example.org", "hub", "proxy", "10.203.0.2"} <= {*without}
    assert variables(DEPLOYMENT)["CARREL_HTTPS_PROXY"] == ""


def test_without_remap_sessions_are_host_root_and_hub_is_an_account_of_its_own():
    plain = dataclasses.replace(DEPLOYMENT, engine=dataclasses.replace(ENGINE, userns_base=None))
    node = json.loads(plain.files()["node.json"])
    assert (node["session_uid"], node["hub_uid"]) == (0, 60751)


def test_sessions_get_addresses_that_are_never_those_of_hub_and_proxy():
    found = variables(DEPLOYMENT)
    assert found["CARREL_GATEWAY"] == "10.203.0.1"
    assert found["CARREL_HUB_ADDRESS"] == "10.203.0.2"
    assert found["CARREL_PROXY_ADDRESS"] == "10.203.0.3"
    assert found["CARREL_SESSION_RANGE"] == "10.203.8.0/21"


def test_the_demos_drive_is_a_service_that_sessions_reach_and_no_other_installation_has():
    settings = Settings.model_validate(
        {
            "demo": True,
            "server": {"bind": "127.0.0.1", "port": 8100},
            "drive": {"client_id": "demo"},
        }
    )
    demo = dataclasses.replace(DEPLOYMENT, settings=settings)
    assert json.loads(demo.files()["node.json"])["network"]["services"] == ["10.203.0.4:8095"]
    found = variables(demo)
    assert (found["CARREL_EMULATOR_ADDRESS"], found["CARREL_EMULATOR_PORT"]) == (
        "10.203.0.4",
        "8095",
    )
    assert found["CARREL_DRIVE_REDIRECT"] == (
        "http://127.0.0.1:8100/services/carrel/drive/callback"
    )


def test_every_variable_of_compose_is_filled_in():
    text = (Path(__file__).parents[3] / "docker-compose.yml").read_text()
    everything = dataclasses.replace(
        DEPLOYMENT,
        references={name: f"carrel/{name}:1" for name in (*images.PROCESSES, *images.OPTIONAL)},
    )
    assert set(re.findall(r"\$\{(\w+)\}", text)) <= variables(everything).keys()


def test_the_containers_read_the_very_settings(tmp_path):
    path = tmp_path / "settings.json"
    path.write_text(DEPLOYMENT.files()["settings.json"])
    assert load_resolved(path) == DEPLOYMENT.settings


@pytest.mark.parametrize(
    ("change", "restarts"),
    [
        ({"settings": Settings.model_validate({"idle": {"limit_hours": 6}})}, {"HUB"}),
        ({"settings": Settings.model_validate({"sessions": {"pids": 512}})}, {"HUB", "NODE"}),
        ({"families": {"base": "carrel/session-base:2"}}, {"HUB", "NODE"}),
        ({"machine": Machine(2, 8 * GIB, 1 * GIB, (), "none")}, set()),
    ],
)
def test_a_change_restarts_only_what_it_concerns(change, restarts):
    before, after = variables(DEPLOYMENT), variables(dataclasses.replace(DEPLOYMENT, **change))
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {f"CARREL_DIGEST_{name}" for name in restarts}


def test_a_file_is_replaced_whole_and_only_when_it_differs(tmp_path):
    path = tmp_path / "x.json"
    write_whole(path, "one")
    os.utime(path, (1, 1))
    write_whole(path, "one")
    assert path.stat().st_mtime == 1
    write_whole(path, "two")
    assert path.read_text() == "two"
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]


def test_no_file_holds_a_secret():
    for name, content in DEPLOYMENT.files().items():
        for word in ("token", 'password"', "secret", "crypt"):
            said = content.lower().replace("password_min_length", "")
            said = said.replace('"token_url": "https://oauth2.googleapis.com/token"', "")
            assert word not in said, (name, word)
            found = re.sub(r"password_min_length|token_url|/token\b", "", content.lower())
            assert word not in found, (name, word)


def test_on_a_small_machine_all_sessions_together_may_have_what_one_may():
    small = dataclasses.replace(DEPLOYMENT, machine=Machine(2, 2 * GIB, 50 * GIB, (), "none"))
    limits = json.loads(small.files()["node.json"])["limits"]
    assert limits["sessions_max_bytes"] == limits["memory_max_bytes"] == 3 * GIB
