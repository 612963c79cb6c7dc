"""What a look at the machine means."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from hub.cli import checks
from hub.cli.checks import Seen
from hub.cli.compose import Compose
from hub.cli.look import Engine, Machine
from hub.settings import Settings
from spawner.confinement import GIB

MACHINE = Machine(2, 8 * GIB, 50 * GIB, (), "no driver")
GOOD = Seen(MACHINE, port_free=True, port_is_ours=False, data_dir_writable=True)
ENGINE = Engine(
    version="20.10.24+dfsg1",
    api_version="1.41",
    socket=Path("/var/run/docker.sock"),
    root_dir=Path("/var/lib/docker/100000.100000"),
    userns_base=100000,
    rootless=False,
    linux=True,
)
V1, V2 = Compose(("docker-compose",), "1.29.2"), Compose(("docker", "compose"), "2.26.1")


def messages(problems):
    assert all(problem.remedy for problem in problems), "every problem has a remedy"
    return " ".join(problem.message for problem in problems)


def test_a_good_machine_has_no_problems():
    assert checks.host_problems(Settings(), GOOD) == []
    assert checks.engine_problems(ENGINE) == []
    assert checks.compose_problems(ENGINE, V1) == []
    assert checks.engine_warnings(ENGINE) == []


SIGN_ON = Settings.model_validate({"sign_on": {"provider": "github", "client_id": "x"}})


def test_single_sign_on_needs_its_client_secret():
    text = messages(checks.host_problems(SIGN_ON, GOOD))
    assert "client secret for logging in with GitHub is missing" in text
    there = dataclasses.replace(GOOD, client_secret=True)
    assert checks.host_problems(SIGN_ON, there) == []


def test_single_sign_on_needs_to_know_its_address_once_others_can_reach_it():
    server = SIGN_ON.server.model_copy(update={"bind": "0.0.0.0"})
    seen = dataclasses.replace(GOOD, client_secret=True)
    lan = SIGN_ON.model_copy(update={"server": server})
    assert "one address" in messages(checks.host_problems(lan, seen))
    server = server.model_copy(update={"public_url": "https://carrel.example.org"})
    known = lan.model_copy(update={"server": server})
    assert checks.host_problems(known, seen) == []


def test_all_problems_are_told_together():
    seen = dataclasses.replace(
        GOOD,
        port_free=False,
        data_dir_writable=False,
        machine=dataclasses.replace(MACHINE, disk_free_bytes=4 * GIB),
    )
    text = messages(checks.host_problems(Settings(), seen))
    assert "Port 8000" in text
    assert "/srv/carrel" in text
    assert "4.0 GB of disk are free for /srv/carrel" in text


def test_our_own_proxy_on_the_port_is_no_problem():
    seen = dataclasses.replace(GOOD, port_free=False, port_is_ours=True)
    assert checks.host_problems(Settings(), seen) == []


def test_a_network_that_the_host_uses_already_is_refused():
    seen = dataclasses.replace(GOOD, routes=("192.168.1.0/24 eth0", "10.203.4.0/24 br-x"))
    assert "overlaps 10.203.4.0/24 br-x" in messages(checks.host_problems(Settings(), seen))
    ours = dataclasses.replace(GOOD, routes=("10.203.0.0/20 carrel0",))
    assert checks.host_problems(Settings(), ours) == []


def test_an_old_engine_is_refused_and_2010_is_not():
    old = dataclasses.replace(ENGINE, version="19.03.15")
    assert "too old" in messages(checks.engine_problems(old))
    assert checks.engine_problems(dataclasses.replace(ENGINE, version="20.10.0")) == []


def test_compose_v1_is_refused_with_engines_it_breaks_on():
    for version, refused in (("24.0.7", False), ("25.0.0", True), ("28.2.2", True)):
        problems = checks.compose_problems(dataclasses.replace(ENGINE, version=version), V1)
        assert bool(problems) is refused, version
        assert checks.compose_problems(dataclasses.replace(ENGINE, version=version), V2) == []


def test_no_compose_and_rootless_engines_are_refused():
    assert "Compose was not found" in messages(checks.compose_problems(ENGINE, None))
    rootless = dataclasses.replace(ENGINE, rootless=True)
    assert "rootless" in messages(checks.engine_problems(rootless))


def test_an_engine_without_remap_is_a_warning_with_the_way_to_change_it():
    (warning,) = checks.engine_warnings(dataclasses.replace(ENGINE, userns_base=None))
    assert "root in a session is root on this host" in warning.message
    assert "daemon.json" in warning.remedy


def test_plain_http_beyond_this_machine_is_a_warning():
    settings = Settings.model_validate({"server": {"bind": "0.0.0.0"}})
    assert "plain HTTP" in messages(checks.web_warnings(settings))
    assert checks.web_warnings(Settings()) == []


def test_one_web_address_for_all_is_a_warning_as_soon_as_others_can_reach_it():
    def warned(**server):
        found = checks.web_warnings(Settings.model_validate({"server": server}))
        return "share one web address" in " ".join(problem.message for problem in found)

    assert warned(public_url="https://carrel.example.org")
    assert warned(bind="0.0.0.0")
    assert not warned(public_url="https://carrel.example.org", subdomains=True)
