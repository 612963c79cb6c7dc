"""The sidecar as a process: signals, its lock, its exit codes, its log."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.drivesync.process.conftest import until
from tests.drivesync.process.hub_stub import HubStub

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = Path(__file__).with_name("fake_engine.py")
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(hub: HubStub, drive: Path, state: Path) -> Iterator[Start]:
    """Starts a sidecar around the fake engine; all are gone afterwards."""
    begun = []

    def start(**environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, str(PROGRAM)],
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": f"{ROOT}:{ROOT / 'images/drivesync'}",
                "CARREL_HUB_URL": hub.url,
                "CARREL_DRIVE": str(drive),
                "CARREL_DRIVE_STATE": str(state),
                **environment,
            },
            stderr=subprocess.PIPE,
            text=True,
        )
        begun.append(process)
        return process

    yield start
    for process in begun:
        process.kill()
        process.wait()
        if process.stderr:
            process.stderr.close()


def order(state: Path, **orders: Any) -> None:
    new = state / "orders.new"
    new.write_text(json.dumps(orders))
    new.replace(state / "orders.json")


def cycles(state: Path) -> list[str]:
    file = state / "cycles"
    return file.read_text().splitlines() if file.exists() else []


def ended(process: subprocess.Popen[str], seconds: float = 10) -> tuple[int, str]:
    """Its exit code and its log."""
    _, log = process.communicate(timeout=seconds)
    return process.returncode, log


def test_sigterm_flushes_reports_and_ends(start: Start, hub: HubStub, state: Path) -> None:
    order(state, files=1, up=2, flushes=2)
    process = start()
    until(lambda: cycles(state))
    process.send_signal(signal.SIGTERM)
    code, log = ended(process)
    assert code == 0
    assert cycles(state)[-1].startswith("last")
    assert hub.last["result"] == "3 files in Drive, 0 conflict copies, 0 unsynced"
    assert "Ended: 3 files in Drive" in log


def test_the_result_counts_the_conflicts_since_its_bearer_was_written(
    start: Start, hub: HubStub, state: Path
) -> None:
    written = (state / "bearer").stat().st_mtime
    order(state, conflicts_at=[written - 100, written - 1, written + 1])
    process = start()
    until(lambda: cycles(state))
    process.send_signal(signal.SIGTERM)
    ended(process)
    assert hub.last["result"] == "0 files in Drive, 1 conflict copy, 0 unsynced"


def test_a_cycle_under_way_is_brought_to_an_end(start: Start, hub: HubStub, state: Path) -> None:
    order(state, takes_s=60)
    hub.settings = hub.settings | {"flush_s": 1}
    process = start()
    until(lambda: cycles(state))
    process.send_signal(signal.SIGTERM)
    assert ended(process, 5)[0] == 0


def test_an_engine_that_does_not_hear_the_deadline_is_ended_all_the_same(
    start: Start, hub: HubStub, state: Path
) -> None:
    order(state, takes_s=60, deaf=True, unsynced=["a"])
    hub.settings = hub.settings | {"flush_s": 0.5}
    process = start()
    until(lambda: cycles(state))
    process.send_signal(signal.SIGTERM)
    assert ended(process, 8)[0] == 0
    assert hub.last["state"] == "ended"
    assert "1 unsynced" in hub.last["result"]


def test_a_second_sigterm_ends_at_once(start: Start, state: Path) -> None:
    order(state, takes_s=60, deaf=True)
    process = start()
    until(lambda: cycles(state))
    process.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert ended(process, 2)[0] == 130


def test_of_two_sidecars_for_one_state_the_second_waits(start: Start, state: Path) -> None:
    first = start()
    until(lambda: cycles(state))
    second = start()
    time.sleep(1)
    assert not any(line.endswith(f" {second.pid}") for line in cycles(state))
    first.send_signal(signal.SIGTERM)
    assert ended(first)[0] == 0
    until(lambda: any(line.endswith(f" {second.pid}") for line in cycles(state)))


def test_a_second_sidecar_gives_up_with_a_sentence(start: Start, state: Path) -> None:
    start()
    until(lambda: cycles(state))
    code, log = ended(start(CARREL_LOCK_WAIT_S="0.5"))
    assert code == 3
    assert "Another sidecar of this user did not end in time" in log


def test_sigterm_ends_the_wait_for_the_lock(start: Start, state: Path) -> None:
    start()
    until(lambda: cycles(state))
    second = start()
    time.sleep(0.7)
    second.send_signal(signal.SIGTERM)
    assert ended(second, 3)[0] == 0


def test_a_killed_sidecar_leaves_no_lock(start: Start, state: Path) -> None:
    first = start()
    until(lambda: cycles(state))
    first.kill()
    second = start()
    until(lambda: any(line.endswith(f" {second.pid}") for line in cycles(state)))


def test_a_bearer_that_is_not_known_ends_it_with_a_sentence(start: Start, hub: HubStub) -> None:
    hub.bearer = "another"
    code, log = ended(start())
    assert code == 4
    assert "does not know this sidecar" in log


def test_no_address_of_a_hub_is_said(start: Start) -> None:
    code, log = ended(start(CARREL_HUB_URL=""))
    assert code == 2
    assert "the hub's address" in log


def test_a_defect_ends_it_and_the_log_has_one_line_without_secrets(
    start: Start, state: Path
) -> None:
    order(state, crash=True)
    code, log = ended(start())
    assert code == 1
    assert "ya29" not in log
    defect = [line for line in log.splitlines() if "RuntimeError: a defect" in line]
    assert len(defect) == 1
    assert defect[0].startswith("ERROR drivesync: Failed")


def test_the_log_names_no_file_and_no_secret(start: Start, hub: HubStub, state: Path) -> None:
    order(state, fault="LocalFull", unsynced=["MyDrive/secret name.txt"])
    process = start()
    until(lambda: cycles(state))
    process.send_signal(signal.SIGTERM)
    _, log = ended(process)
    assert "Paused: local full" in log
    for secret in ("secret name", hub.token, hub.bearer):
        assert secret not in log


def test_no_secret_is_in_its_environment_arguments_or_files(
    start: Start, hub: HubStub, drive: Path, state: Path
) -> None:
    process = start()
    until(lambda: len(cycles(state)) > 2)
    told = b"".join(
        Path(f"/proc/{process.pid}/{name}").read_bytes() for name in ("environ", "cmdline")
    )
    assert hub.bearer.encode() not in told
    for folder in (drive, state):
        for file in folder.rglob("*"):
            if file.is_file() and file.name != "bearer":
                assert hub.token.encode() not in file.read_bytes()
