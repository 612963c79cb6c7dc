"""`./carrel up`: from a clone to a running Carrel, and what stands in its way."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.engine, pytest.mark.timeout(1200)]
ROOT = Path(__file__).parents[2]


def container_ids(installation):
    listing = installation.engine.docker(
        "ps", "--no-trunc", "--filter", f"name=^{installation.project}-",
        "--format", "{{.Names}} {{.ID}}",
    )  # fmt: skip
    return dict(line.split() for line in listing.splitlines())


def containers(engine):
    return engine.docker("ps", "--all", "--quiet").split()


def test_the_first_up_says_what_it_found_and_where_to_go(installation):
    said = installation.first_up
    for part in ("System", "Disk", "Port", "GPUs", "Engine", "Compose", "userns-remap on"):
        assert part in said
    assert re.search(r"holds about \d+ small sessions", said)
    assert "Carrel is up: http://127.0.0.1:8000" in said
    assert re.search(r"http://127\.0\.0\.1:8000/hub/invitation#\S{20,}", said)


def test_a_second_up_changes_nothing_and_is_done_within_ten_seconds(installation):
    before = container_ids(installation)
    began = time.monotonic()
    again = installation.carrel("up")
    took_s = time.monotonic() - began
    assert container_ids(installation) == before
    assert "building" not in again.stdout + again.stderr
    assert took_s < 10, f"took {took_s:.1f} s"


def test_a_changed_setting_restarts_only_what_it_concerns(installation):
    before = container_ids(installation)
    installation.carrel("up", CARREL_IDLE__LIMIT_HOURS="6")
    after = container_ids(installation)
    changed = {name.removeprefix("ctest-") for name in before if before[name] != after[name]}
    assert changed == {"hub", "web"}
    installation.carrel("up")


def test_lan_is_kept_until_it_is_taken_back(installation):
    def bound():
        found = json.loads(installation.engine.docker("inspect", "ctest-proxy"))[0]
        return found["HostConfig"]["PortBindings"]["8000/tcp"][0]["HostIp"]

    said = installation.carrel("up", "--lan").stderr
    assert "plain HTTP" in said
    assert "From other machines: http://10.198.77.2:8000" in said
    installation.carrel("up")
    assert bound() == "0.0.0.0"
    assert "plain HTTP" in installation.carrel("doctor").stdout
    installation.carrel("up", "--no-lan")
    assert bound() == "127.0.0.1"


def test_another_data_directory_under_the_same_name_is_refused(installation, tmp_path):
    before = container_ids(installation)
    for verb in ("up", "down"):
        done = installation.carrel(verb, check=False, CARREL_DATA_DIR=str(tmp_path / "other"))
        assert done.returncode == 2
        assert f"CARREL_DATA_DIR={installation.data_dir}" in done.stderr
    assert container_ids(installation) == before
    assert not (tmp_path / "other").exists()


def test_status_says_what_runs(installation):
    found = json.loads(installation.carrel("status", "--json").stdout)
    assert found["up"] is True
    assert {p["name"]: p["state"] for p in found["processes"]} == dict.fromkeys(
        ("node", "proxy", "hub", "web"), "running"
    )
    assert "small sessions" in found["holds"]


def test_the_doctor_finds_nothing_bad(installation):
    findings = json.loads(installation.carrel("doctor", "--json").stdout)
    assert {f["state"] for f in findings} == {"ok"}, findings
    assert {"engine", "disk", "hub", "firewall"} <= {f["subject"] for f in findings}


def test_nothing_that_the_web_reaches_is_root_or_sees_the_engine(installation):
    for process in ("hub", "web", "proxy"):
        found = json.loads(installation.engine.docker("inspect", f"ctest-{process}"))[0]
        assert found["Config"]["User"] == "60751"
        assert not found["HostConfig"]["Privileged"]
        assert found["HostConfig"]["CapAdd"] in (None, [])
        assert "docker.sock" not in json.dumps(found["Mounts"])
    node = json.loads(installation.engine.docker("inspect", "ctest-node"))[0]
    assert not node["HostConfig"]["Privileged"]


def test_no_container_has_a_secret_in_its_environment(installation):
    secrets = [
        path.read_text().strip()
        for path in (installation.data_dir / "secrets").rglob("*")
        if path.is_file()
    ]
    assert len(secrets) >= 4
    for process in ("node", "proxy", "hub", "web"):
        inspected = installation.engine.docker("inspect", f"ctest-{process}")
        log = subprocess.run(
            ["docker", "logs", f"ctest-{process}"], capture_output=True, text=True, check=True
        )
        for secret in secrets:
            assert secret not in inspected + log.stdout + log.stderr


class TestNothingIsStarted:
    """Bad input: said before anything is changed, exit code 2."""

    def refused(self, engine, tmp_path, *arguments, **environment):
        before = containers(engine)
        done = subprocess.run(
            [str(ROOT / "carrel"), "up", *arguments],
            capture_output=True, text=True, check=False, timeout=60,
            env={
                **os.environ,
                "CARREL_PROJECT": "refused",
                "CARREL_DATA_DIR": str(tmp_path / "data"),
                "CARREL_SERVER__PORT": "8077",
                "CARREL_NETWORK__SUBNET": "10.99.0.0/24",
                **environment,
            },
        )  # fmt: skip
        assert done.returncode == 2, done.stdout + done.stderr
        assert containers(engine) == before
        assert not (tmp_path / "data").exists()
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    def test_when_the_settings_are_wrong(self, engine, tmp_path):
        config = tmp_path / "carrel.toml"
        config.write_text('tyop = 1\n[server]\nprot = 1\n[idle]\nlimit_hours = "x"\n')
        said = self.refused(engine, tmp_path, CARREL_CONFIG=str(config))
        assert "3 problem(s)" in said
        assert "tyop" in said
        assert "server.prot" in said

    def test_when_the_port_is_taken(self, engine, tmp_path):
        with socket.create_server(("127.0.0.1", 8077)):
            said = self.refused(engine, tmp_path)
        assert "Port 8077 on 127.0.0.1 is taken" in said
        assert "CARREL_SERVER__PORT" in said

    def test_when_the_data_directory_cannot_be_written(self, engine, tmp_path):
        said = self.refused(engine, tmp_path, CARREL_DATA_DIR="/proc/carrel")
        assert "The data directory /proc/carrel cannot be written" in said

    def test_when_no_engine_answers_and_nothing_may_be_installed(self, engine, tmp_path):
        said = self.refused(
            engine, tmp_path, "--no-install", DOCKER_HOST=f"unix://{tmp_path}/none.sock"
        )
        assert "No Docker engine answers" in said


def test_a_failing_build_shows_its_last_lines_and_its_log(installation, tmp_path):
    before = container_ids(installation)
    done = installation.carrel(
        "up", check=False, CARREL_IMAGES__DEBIAN_MIRROR="http://127.0.0.1:9/debian"
    )
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert "Building the image base failed" in said
    assert "127.0.0.1:9" in said
    (log,) = re.findall(r"The whole log: (\S+build-base\.log)", said)
    assert "apt-get" in Path(log).read_text()
    assert container_ids(installation) == before


def test_an_up_that_was_killed_is_finished_by_the_next(engine, installation, tmp_path):
    environment = installation.environment(
        CARREL_PROJECT="killed",
        CARREL_DATA_DIR=str(engine.state / "killed"),
        CARREL_SERVER__PORT="8044",
        CARREL_NETWORK__SUBNET="10.204.0.0/24",
    )
    command = [str(ROOT / "carrel")]
    first = subprocess.Popen(
        [*command, "up"], env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    for line in first.stderr:
        if "Processes" in line:
            break
    time.sleep(1)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    first.stderr.close()
    try:
        again = subprocess.run(
            [*command, "up"], env=environment, capture_output=True, text=True, check=False
        )
        assert again.returncode == 0, again.stdout + again.stderr
        assert "Carrel is up: http://127.0.0.1:8044" in again.stderr + again.stdout
    finally:
        subprocess.run([*command, "down"], env=environment, check=True, capture_output=True)


def test_the_base_is_built_without_a_registry(engine, monkeypatch, tmp_path):
    from hub.cli import debian, mirrors

    ours = "carrel/debian:test-without-registry"
    monkeypatch.setattr(debian, "OURS", ours)
    monkeypatch.setattr(debian, "UPSTREAM", "127.0.0.1:9/debian:trixie-slim")
    said = []
    where = mirrors.find("", said.append)
    site = debian.Site(tmp_path / "debootstrap", install=True)
    found = debian.ensure_debian(where, site, pull_timeout_s=20, say=said.append)
    try:
        assert found.startswith("sha256:")
        assert any("No registry answers" in line for line in said)
        assert not site.folder.exists()
        release = engine.docker("run", "--rm", ours, "cat", "/etc/os-release")
        assert "VERSION_CODENAME=trixie" in release
    finally:
        engine.docker("rmi", ours)


def test_the_compose_file_is_valid_for_version_two(engine, installation):
    """Debian trixie's docker-compose is v2; it reads the very file and variables."""
    script = (
        "apt-get update -qq && apt-get install -y -qq docker-compose >/dev/null 2>&1"
        " && docker-compose version --short"
        " && docker-compose --project-name x --file /c/docker-compose.yml"
        " --env-file /e/compose.env --profile postgres config --quiet && echo valid"
    )
    base = re.search(
        r"carrel/base:\w+", engine.docker("images", "--format", "{{.Repository}}:{{.Tag}}")
    )
    said = engine.docker(
        "run", "--rm", "--volume", f"{ROOT}:/c:ro",
        "--volume", f"{installation.data_dir}/etc:/e:ro", base[0], "sh", "-c", script,
    )  # fmt: skip
    version, verdict = said.split()[-2:]
    assert version.lstrip("v").startswith("2.")
    assert verdict == "valid"


def test_debians_compose_ran_the_file(installation):
    machine = json.loads((installation.data_dir / "etc" / "machine.json").read_text())
    installed = subprocess.run(
        ["docker-compose", "version", "--short"], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert machine["compose"] == installed.lstrip("v")
