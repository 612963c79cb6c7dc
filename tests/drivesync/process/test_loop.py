"""The loop and the teller together, around an engine that does as told, against a real HTTP hub."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from drivesync import faults, status
from drivesync.bell import Bell, Ring
from drivesync.desk import Desk, Orders
from drivesync.hub import Ended, Hub
from drivesync.loop import Loop, Parts
from drivesync.open_documents import OpenDocuments
from drivesync.report import Amount, Conflict, Pause, State, Unsynced
from drivesync.settings import Settings
from drivesync.stopping import Stopping
from drivesync.teller import Ears, Teller
from drivesync.tokens import Tokens

from tests.drivesync.process.conftest import until
from tests.drivesync.process.fake_engine import FakeEngine
from tests.drivesync.process.hub_stub import HubStub


class Sidecar:
    """The parts as ``process.run`` puts them together, the loop in a thread."""

    def __init__(self, hub: HubStub, drive: Path, state: Path) -> None:
        self.engine = FakeEngine()
        self.made: list[Settings] = []
        self.bell = Bell()
        self.stopping = Stopping(self.bell)
        self.desk = Desk(self.bell, datetime.now(UTC))
        client = Hub(hub.url, state / "bearer")
        self.tokens = Tokens(client.access, self.desk.settle)
        ears = Ears(drive, client, self.tokens.forget, self.bell, self.stopping)
        self.teller = Teller(self.desk, ears)
        documents = OpenDocuments(drive, time.time)
        self.loop = Loop(
            self.desk, Parts(self._make, self.tokens, documents, self.bell, self.stopping)
        )
        self.drive = drive
        self.fault: BaseException | None = None
        self.thread = threading.Thread(target=self._run)

    def _make(self, settings: Settings) -> FakeEngine:
        self.made.append(settings)
        return self.engine

    def _run(self) -> None:
        try:
            self.loop.run()
        except BaseException as fault:
            self.fault = fault

    def start(self) -> None:
        self.thread.start()
        self.teller.start()

    def stop(self) -> None:
        """As SIGTERM does, until the end."""
        if not self.stopping.asked:
            self.stopping.ask()
        self.thread.join(10)
        assert not self.thread.is_alive()
        self.teller.last_words()

    def status(self) -> dict[str, Any]:
        file = self.drive / ".carrel" / "status.json"
        return json.loads(file.read_text()) if file.exists() else {}

    def paused(self, pause: Pause) -> Callable[[], bool]:
        return lambda: self.status().get("pause") == pause.value

    def idle(self) -> bool:
        return self.status().get("state") == State.IDLE.value

    def failing(self, fault: Exception) -> Callable[[Orders], None]:
        def behave(_: Orders) -> None:
            raise fault

        return behave


@pytest.fixture
def sidecar(
    hub: HubStub, drive: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Sidecar]:
    monkeypatch.setattr("drivesync.teller.TICK_S", 0.02)
    monkeypatch.setattr("drivesync.teller.REPORT_S", 0.05)
    monkeypatch.setattr("drivesync.tokens.AGAIN_S", 0.05)
    made = Sidecar(hub, drive, state)
    yield made
    if made.thread.ident is not None:
        hub.away = False
        hub.answers.clear()
        made.engine.behave = lambda _: None
        made.stop()


def test_it_cycles_and_tells_session_and_hub(sidecar: Sidecar, hub: HubStub) -> None:
    sidecar.engine.knows(files=42)
    sidecar.start()
    until(lambda: sidecar.idle() and len(sidecar.engine.cycles) > 2)
    until(lambda: hub.reports and hub.last["state"] == "idle")
    assert sidecar.status()["files"] == 42
    assert hub.last["files"] == 42
    assert abs(sidecar.status()["at"] - time.time()) < 5


def test_it_says_starting_until_it_has_looked(sidecar: Sidecar) -> None:
    looked = threading.Event()
    sidecar.engine.behave = lambda _: looked.wait(5) and None
    sidecar.start()
    until(lambda: sidecar.status().get("state") == "starting")
    looked.set()
    until(sidecar.idle)


def test_it_says_syncing_while_files_pass(sidecar: Sidecar) -> None:
    sidecar.start()
    until(sidecar.idle)
    go_on = threading.Event()
    sidecar.engine.knows(up=Amount(3, 300))
    sidecar.engine.behave = lambda _: go_on.wait(5) and None
    until(lambda: sidecar.status()["state"] == "syncing")
    assert sidecar.status()["up"] == {"files": 3, "size_bytes": 300}
    sidecar.engine.knows(up=Amount())
    go_on.set()
    until(sidecar.idle)


@pytest.mark.parametrize(
    ("fault", "pause"),
    [
        (faults.Lost("x"), Pause.OFFLINE),
        (faults.Busy("x"), Pause.BUSY),
        (faults.DeadGrant("x"), Pause.RECONNECT),
        (faults.Unmounted("x"), Pause.UNMOUNTED),
        (faults.RemoteFull("x"), Pause.REMOTE_FULL),
        (faults.LocalFull("x"), Pause.LOCAL_FULL),
    ],
)
def test_the_engines_fault_is_a_pause_and_ends_when_it_is_over(
    sidecar: Sidecar, hub: HubStub, monkeypatch: pytest.MonkeyPatch, fault: Exception, pause: Pause
) -> None:
    monkeypatch.setattr("drivesync.loop.next_wait", lambda _: 0.05)
    sidecar.engine.behave = sidecar.failing(fault)
    sidecar.start()
    until(sidecar.paused(pause))
    until(lambda: hub.reports and hub.last["pause"] == pause.value)
    assert sidecar.status()["state"] == "paused"
    assert sidecar.status()["pause_detail"]
    sidecar.engine.behave = lambda _: None
    until(sidecar.idle)
    assert sidecar.status()["pause"] is None


def test_the_engines_own_pause_is_told(sidecar: Sidecar) -> None:
    sidecar.engine.knows(pause=Pause.MASS_DELETE, pause_detail="30 of 40 files.")
    sidecar.start()
    until(sidecar.paused(Pause.MASS_DELETE))
    assert sidecar.status()["pause_detail"] == "30 of 40 files."


def test_a_confirmation_reaches_the_engine_at_once(sidecar: Sidecar, hub: HubStub) -> None:
    sidecar.engine.knows(pause=Pause.MASS_DELETE)
    sidecar.start()
    until(sidecar.paused(Pause.MASS_DELETE))
    hub.settings = hub.settings | {"confirmed_deletion": 1_795_000_000}
    until(lambda: sidecar.engine.cycles[-1].settings.confirmed_deletion is not None)
    assert sidecar.engine.closed == 0, "this is no reason for a new engine"


def test_a_fault_of_one_file_is_no_pause(sidecar: Sidecar) -> None:
    sidecar.engine.behave = sidecar.failing(faults.LocalChanged("x"))
    sidecar.start()
    until(lambda: len(sidecar.engine.cycles) > 2)
    assert sidecar.status()["pause"] is None


def test_new_folders_reach_a_running_sidecar(sidecar: Sidecar, hub: HubStub) -> None:
    hub.settings = {"folders": [{"id": "a", "title": "A"}], "poll_s": 60}
    sidecar.start()
    until(sidecar.idle)
    hub.settings = {"folders": [{"id": "b", "title": "B"}], "poll_s": 60}
    sidecar.engine.knows(files=1)  # a reason to report
    until(lambda: sidecar.engine.cycles[-1].settings.folders[0].id == "b")
    assert sidecar.engine.closed == 0


@pytest.mark.parametrize("other", [{"api_url": "http://127.0.0.1:1/"}, {"account": "0Aanother"}])
def test_another_drive_needs_a_new_engine(
    sidecar: Sidecar, hub: HubStub, other: dict[str, str]
) -> None:
    sidecar.start()
    until(sidecar.idle)
    hub.settings = hub.settings | other
    sidecar.engine.knows(files=1)
    until(lambda: len(sidecar.made) == 2)
    assert sidecar.engine.closed == 1


def test_without_folders_nothing_is_synced(sidecar: Sidecar, hub: HubStub) -> None:
    hub.settings = {"folders": []}
    sidecar.start()
    until(sidecar.paused(Pause.NO_FOLDERS))
    assert sidecar.engine.cycles == []
    hub.settings = {"everything": True}
    until(sidecar.idle)


@pytest.mark.parametrize(
    ("told", "pause"),
    [
        ("reconnect", Pause.RECONNECT),
        ("disconnected", Pause.RECONNECT),
        ("no folders", Pause.NO_FOLDERS),
    ],
)
def test_no_access_at_the_start_is_a_pause(
    sidecar: Sidecar, hub: HubStub, monkeypatch: pytest.MonkeyPatch, told: str, pause: Pause
) -> None:
    monkeypatch.setattr("drivesync.loop.next_wait", lambda _: 0.05)
    refusal = json.dumps({"state": told, "message": f"It is {told}."}).encode()
    hub.answers = {"access": (403, refusal), "report": (403, refusal)}
    sidecar.start()
    until(sidecar.paused(pause))
    assert sidecar.status()["pause_detail"] == f"It is {told}."
    assert sidecar.engine.cycles == []
    hub.answers = {}
    until(sidecar.idle)


def test_a_consent_withdrawn_while_it_runs_stops_the_sync_and_forgets_the_token(
    sidecar: Sidecar, hub: HubStub
) -> None:
    sidecar.engine.behave = lambda _: sidecar.tokens.get() and None
    sidecar.start()
    until(sidecar.idle)
    refusal = b'{"state": "disconnected", "message": "Disconnected."}'
    hub.answers = {"access": (403, refusal), "report": (403, refusal)}
    sidecar.engine.knows(files=1)
    until(sidecar.paused(Pause.RECONNECT))
    cycles = len(sidecar.engine.cycles)
    time.sleep(0.3)
    assert len(sidecar.engine.cycles) == cycles
    assert sidecar.engine.closed == 1
    with pytest.raises(faults.DeadGrant):
        sidecar.tokens.get()


def test_a_hub_that_is_away_is_waited_for(
    sidecar: Sidecar, hub: HubStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivesync.loop.next_wait", lambda _: 0.05)
    hub.away = True
    sidecar.start()
    until(sidecar.paused(Pause.OFFLINE))
    assert "hub" in sidecar.status()["pause_detail"]
    hub.away = False
    until(sidecar.idle)


def test_a_hub_that_goes_away_later_stops_nothing(sidecar: Sidecar, hub: HubStub) -> None:
    sidecar.engine.behave = lambda _: sidecar.tokens.get() and None
    sidecar.start()
    until(sidecar.idle)
    hub.away = True
    cycles = len(sidecar.engine.cycles)
    until(lambda: len(sidecar.engine.cycles) > cycles + 2)
    assert sidecar.idle()


def test_a_hub_that_comes_back_is_told_at_once(sidecar: Sidecar, hub: HubStub) -> None:
    sidecar.start()
    until(lambda: hub.reports and hub.last["state"] == "idle")
    hub.away = True
    sidecar.engine.knows(files=5)
    until(lambda: hub.count("report") > 0)
    time.sleep(0.1)
    hub.away = False
    until(lambda: hub.last["files"] == 5)


def test_a_bearer_that_is_not_known_any_more_ends_it(sidecar: Sidecar, hub: HubStub) -> None:
    sidecar.start()
    until(sidecar.idle)
    hub.bearer = "of the next sidecar"
    sidecar.engine.knows(files=1)
    until(lambda: not sidecar.thread.is_alive())
    assert isinstance(sidecar.fault, Ended)


def test_a_defect_of_the_engine_is_not_swallowed(sidecar: Sidecar) -> None:
    sidecar.engine.behave = sidecar.failing(RuntimeError("a defect"))
    sidecar.start()
    until(lambda: not sidecar.thread.is_alive())
    assert isinstance(sidecar.fault, RuntimeError)


def test_a_change_on_disk_cuts_the_wait_short(sidecar: Sidecar, hub: HubStub) -> None:
    hub.settings = hub.settings | {"poll_s": 60}
    sidecar.start()
    until(sidecar.idle)
    cycles = len(sidecar.engine.cycles)
    sidecar.desk.disk_changed(watched=True)
    until(lambda: len(sidecar.engine.cycles) > cycles)
    time.sleep(0.3)
    assert len(sidecar.engine.cycles) == cycles + 1


def test_a_change_on_disk_does_not_end_a_backoff(sidecar: Sidecar) -> None:
    sidecar.engine.behave = sidecar.failing(faults.Busy("x"))
    sidecar.start()
    until(sidecar.paused(Pause.BUSY))
    sidecar.bell.ring(Ring.DISK)
    time.sleep(0.5)
    assert len(sidecar.engine.cycles) == 1


def wish(sidecar: Sidecar, id_: str) -> None:
    (sidecar.drive / ".carrel" / "flush").write_text(json.dumps({"id": id_, "at": time.time()}))


def flushed(sidecar: Sidecar, id_: str, state: str) -> Callable[[], bool]:
    def holds() -> bool:
        answer = sidecar.status().get("flush") or {}
        return (answer.get("id"), answer.get("state")) == (id_, state)

    return holds


def test_a_flush_is_answered_when_all_is_in_drive(sidecar: Sidecar, hub: HubStub) -> None:
    hub.settings = hub.settings | {"poll_s": 60}
    sidecar.start()
    until(sidecar.idle)
    sidecar.engine.knows(up=Amount(2, 20))
    wish(sidecar, "first")
    until(flushed(sidecar, "first", "working"))
    sidecar.engine.knows(up=Amount())
    until(flushed(sidecar, "first", "clean"))
    wish(sidecar, "second")
    until(flushed(sidecar, "second", "clean"))


def test_a_flush_names_what_is_not_in_drive(sidecar: Sidecar) -> None:
    sidecar.engine.knows(unsynced=(Unsynced("a.bin", "It is too large."),), unsynced_count=1)
    sidecar.start()
    wish(sidecar, "f")
    until(flushed(sidecar, "f", "not clean"))
    assert sidecar.status()["flush"]["unsynced"] == [{"path": "a.bin", "why": "It is too large."}]


def test_a_flush_during_a_cycle_is_answered_by_the_next(sidecar: Sidecar) -> None:
    under_way, go_on = threading.Event(), threading.Event()

    def behave(_: Orders) -> None:
        under_way.set()
        go_on.wait(5)

    sidecar.engine.behave = behave
    sidecar.start()
    assert under_way.wait(5)
    wish(sidecar, "f")
    until(flushed(sidecar, "f", "working"))
    cycles = len(sidecar.engine.cycles)
    go_on.set()
    until(flushed(sidecar, "f", "clean"))
    assert len(sidecar.engine.cycles) > cycles


def test_the_end_flushes_and_tells_the_result(sidecar: Sidecar, hub: HubStub) -> None:
    before, since = (
        Conflict("a", f"a ({days} days)", sidecar.desk.began_at + timedelta(days=days))
        for days in (-1, 1)
    )
    sidecar.engine.knows(files=41, up=Amount(1, 10), conflicts=(since, before), conflict_count=2)

    def behave(orders: Orders) -> None:
        if orders.last:
            sidecar.engine.knows(files=42, up=Amount())

    sidecar.engine.behave = behave
    sidecar.start()
    until(lambda: len(sidecar.engine.cycles) > 0)
    sidecar.stop()
    for told in (hub.last, sidecar.status()):
        assert told["state"] == "ended"
        assert told["result"] == "42 files in Drive, 1 conflict copy, 0 unsynced"
    assert [orders.last for orders in sidecar.engine.cycles].count(True) == 1


def test_the_end_waits_for_passing_trouble_until_the_deadline(
    sidecar: Sidecar, hub: HubStub
) -> None:
    hub.settings = hub.settings | {"flush_s": 1}
    sidecar.engine.knows(up=Amount(1, 10))
    sidecar.engine.behave = sidecar.failing(faults.Lost("x"))
    sidecar.start()
    until(sidecar.paused(Pause.OFFLINE))
    began = time.monotonic()
    sidecar.stop()
    assert 0.5 < time.monotonic() - began < 3
    assert hub.last["result"].startswith("0 files in Drive, 0 conflict copies, 1 unsynced: kept")


def test_the_end_does_not_wait_for_what_needs_somebody(sidecar: Sidecar, hub: HubStub) -> None:
    sidecar.engine.behave = sidecar.failing(faults.DeadGrant("x"))
    sidecar.start()
    until(sidecar.paused(Pause.RECONNECT))
    began = time.monotonic()
    sidecar.stop()
    assert time.monotonic() - began < 1
    assert hub.last["state"] == "ended"


def test_a_session_without_access_does_not_end_as_if_all_were_in_drive(
    sidecar: Sidecar, hub: HubStub
) -> None:
    refusal = json.dumps({"state": "reconnect", "message": "Reconnect."}).encode()
    hub.answers = {"access": (403, refusal), "report": (403, refusal)}
    sidecar.start()
    until(sidecar.paused(Pause.RECONNECT))
    sidecar.stop()
    assert sidecar.status()["result"] == status.NOT_KNOWN


def test_a_consent_withdrawn_before_the_end_keeps_the_engine_not_from_counting(
    sidecar: Sidecar, hub: HubStub
) -> None:
    sidecar.start()
    until(sidecar.idle)
    refusal = b'{"state": "disconnected", "message": "Disconnected."}'
    hub.answers = {"access": (403, refusal), "report": (403, refusal)}
    sidecar.engine.knows(files=1)
    until(sidecar.paused(Pause.RECONNECT))
    sidecar.engine.knows(unsynced_count=3, pause=Pause.RECONNECT)
    sidecar.stop()
    assert sidecar.engine.cycles[-1].last
    assert sidecar.status()["result"].startswith("1 file in Drive, 0 conflict copies, 3 unsynced")


def test_the_engine_is_told_which_documents_are_open(sidecar: Sidecar) -> None:
    sidecar.start()
    until(sidecar.idle)
    assert sidecar.engine.cycles[-1].open_paths() is None
    note = {"at": time.time(), "paths": ["MyDrive/a.ipynb"]}
    (sidecar.drive / ".carrel" / "open").write_text(json.dumps(note))
    assert sidecar.engine.cycles[-1].open_paths() == {("a.ipynb",)}


def test_a_status_that_cannot_be_written_stops_nothing(sidecar: Sidecar, hub: HubStub) -> None:
    (sidecar.drive / ".carrel").rmdir()
    (sidecar.drive / ".carrel").symlink_to("/etc")
    sidecar.start()
    until(lambda: len(sidecar.engine.cycles) > 2)
    until(lambda: hub.reports and hub.last["state"] == "idle")
