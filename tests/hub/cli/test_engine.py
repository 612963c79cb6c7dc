"""When an engine is started or installed, and when that is not ours to do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hub.cli import engine, look
from spawner.errors import CarrelError, Code


@pytest.fixture(autouse=True)
def no_engine(monkeypatch, tmp_path):
    """A machine on which no engine answers; nothing is run on the real one."""
    monkeypatch.setattr(look, "find_engine", lambda: None)
    monkeypatch.setattr(look, "DEFAULT_SOCKET", tmp_path / "docker.sock")
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(engine, "DAEMON_JSON", tmp_path / "docker" / "daemon.json")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(engine, "distribution", lambda: "debian")


@pytest.fixture
def deeds(monkeypatch):
    """What would be done to the machine."""
    done = []
    monkeypatch.setattr(engine, "apt_install", lambda packages: done.append(tuple(packages)))
    monkeypatch.setattr(engine, "_engine_packages", lambda: ["docker.io", "docker-compose"])
    monkeypatch.setattr(engine, "_start", lambda: done.append("start") or "engine")
    return done


def refused(**options):
    with pytest.raises(CarrelError) as caught:
        engine.ensure_engine(say=lambda _: None, **options)
    assert caught.value.code is Code.BAD_INPUT
    assert caught.value.hint
    return str(caught.value)


def test_a_missing_engine_is_installed_with_user_remapping(deeds, monkeypatch):
    monkeypatch.setattr(engine, "_present", lambda program: program != "dockerd")
    said = []
    engine.ensure_engine(install=True, say=said.append)
    assert deeds == [("docker.io", "docker-compose"), "start"]
    assert engine.DAEMON_JSON.read_text() == '{"userns-remap": "default"}\n'
    assert "installing" in said[0]


def test_an_engine_that_sleeps_is_started_and_never_reconfigured(deeds, monkeypatch):
    monkeypatch.setattr(engine, "_present", lambda program: True)
    engine.ensure_engine(install=True, say=lambda _: None)
    assert deeds == ["start"]
    assert not engine.DAEMON_JSON.exists()


def test_an_admins_daemon_json_is_kept(deeds, monkeypatch):
    monkeypatch.setattr(engine, "_present", lambda program: program != "dockerd")
    engine.DAEMON_JSON.parent.mkdir()
    engine.DAEMON_JSON.write_text('{"data-root": "/big"}')
    engine.ensure_engine(install=True, say=lambda _: None)
    assert engine.DAEMON_JSON.read_text() == '{"data-root": "/big"}'


def test_no_install_and_other_systems_and_others_than_root_are_told_what_to_do(deeds, monkeypatch):
    assert "--no-install" in refused(install=False)
    monkeypatch.setattr(engine, "distribution", lambda: "fedora")
    assert "Docker 20.10 or newer" in refused(install=True)
    monkeypatch.setattr(engine, "distribution", lambda: "debian")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "as root" in refused(install=True)
    assert deeds == []


def test_an_engine_elsewhere_is_refused(deeds, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "tcp://10.0.0.1:2375")
    assert "not on this machine" in refused(install=True)
    monkeypatch.setenv("DOCKER_HOST", "unix:///run/other.sock")
    assert "/run/other.sock" in refused(install=True)
    assert deeds == []


def test_pid_files_of_other_programs_are_removed_and_true_ones_kept(monkeypatch, tmp_path):
    own = Path("/proc/self/comm").read_text().strip()
    files = {name: tmp_path / name for name in ("gone", "other", "true")}
    files["gone"].write_text("999999999")
    files["other"].write_text(str(os.getpid()))
    files["true"].write_text(str(os.getpid()))
    monkeypatch.setattr(
        engine,
        "PID_FILES",
        {files["gone"]: "dockerd", files["other"]: "dockerd", files["true"]: own},
    )
    engine.remove_stale_pid_files()
    assert [name for name, path in files.items() if path.exists()] == ["true"]
