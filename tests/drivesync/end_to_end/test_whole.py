"""The whole sidecar between a disk and an emulated Drive, as its user sees it."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable

from drive_emulator.faults import Fault, Rule
from drive_emulator.model import Access

from tests.drivesync.end_to_end.stage import AT_HOME, USER, Drive, Sidecar, digest
from tests.drivesync.process.conftest import until
from tests.drivesync.process.hub_stub import HubStub

SOON_S = 20
"""For machines that are busy; what the user waits for is measured where it matters."""


def idle(sidecar: Sidecar) -> Callable[[], bool]:
    return lambda: sidecar.status().get("state") == "idle"


def begin(sidecar: Sidecar) -> None:
    sidecar.start()
    until(idle(sidecar), SOON_S)


def test_a_file_that_is_written_here_is_in_drive_within_seconds(
    sidecar: Sidecar, drive: Drive
) -> None:
    begin(sidecar)
    began = time.monotonic()
    sidecar.write("Thesis/chapter 1.txt", b"It was a dark night.")
    until(lambda: drive.read("Thesis/chapter 1.txt") == b"It was a dark night.", SOON_S)
    assert time.monotonic() - began < 5


def test_an_edit_in_drive_arrives_here_within_seconds(sidecar: Sidecar, drive: Drive) -> None:
    drive.write("Thesis/notes.txt", b"first")
    sidecar.start()
    until(lambda: sidecar.read("Thesis/notes.txt") == b"first", SOON_S)
    until(idle(sidecar), SOON_S)
    sidecar.opens()
    began = time.monotonic()
    drive.write("Thesis/notes.txt", b"second")
    until(lambda: sidecar.read("Thesis/notes.txt") == b"second", SOON_S)
    assert time.monotonic() - began < 5
    assert digest(b"first") in sidecar.everything(), "what was replaced is in the trash"


def test_of_an_edit_on_either_side_both_versions_are_on_both(
    sidecar: Sidecar, drive: Drive
) -> None:
    drive.write("both.txt", b"in the beginning")
    sidecar.start()
    until(lambda: sidecar.read("both.txt"), SOON_S)
    until(idle(sidecar), SOON_S)
    with sidecar.asleep():
        sidecar.write("both.txt", b"from here")
        drive.write("both.txt", b"from there")
    both = {digest(b"from here"), digest(b"from there")}
    until(lambda: both <= set(sidecar.tree().values()), SOON_S)
    until(lambda: both <= set(drive.tree().values()), SOON_S)
    until(lambda: sidecar.tree() == drive.tree(), SOON_S)
    until(lambda: sidecar.status()["conflict_count"] == 1, SOON_S)
    (conflict,) = sidecar.status()["conflicts"]
    assert conflict["path"] == "both.txt"
    assert conflict["copy"] in sidecar.tree()


def test_a_document_that_is_open_is_not_overwritten(sidecar: Sidecar, drive: Drive) -> None:
    drive.write("open.ipynb", b"{}")
    sidecar.start()
    until(lambda: sidecar.read("open.ipynb") == b"{}", SOON_S)
    until(idle(sidecar), SOON_S)
    sidecar.opens("open.ipynb")
    drive.write("open.ipynb", b'{"edited": "there"}')
    until(lambda: digest(b'{"edited": "there"}') in sidecar.tree().values(), SOON_S)
    assert sidecar.read("open.ipynb") == b"{}"


def test_what_is_deleted_goes_to_the_trash_of_the_other_side(
    sidecar: Sidecar, drive: Drive
) -> None:
    for name in ("here.txt", "there.txt", "stays.txt"):
        drive.write(name, name.encode())
    sidecar.start()
    until(lambda: len(sidecar.tree()) == 3, SOON_S)
    until(idle(sidecar), SOON_S)
    sidecar.opens()
    (sidecar.home / "here.txt").unlink()
    drive.trash("there.txt")
    until(lambda: set(sidecar.tree()) == set(drive.tree()) == {"stays.txt"}, SOON_S)
    assert digest(b"here.txt") in drive.everything()
    assert digest(b"there.txt") in sidecar.everything()


def test_the_trash_is_emptied_of_what_was_kept_long_enough(sidecar: Sidecar) -> None:
    old = sidecar.disk / ".carrel" / "trash" / "2020-02-02"
    old.mkdir(parents=True)
    (old / "old.txt").write_bytes(b"old")
    begin(sidecar)
    until(lambda: not old.exists(), SOON_S)


def test_only_what_was_chosen_is_brought(sidecar: Sidecar, drive: Drive, hub: HubStub) -> None:
    drive.write("Course/a.txt", b"a")
    drive.write("Private/b.txt", b"b")
    chosen = drive.folder("Course")
    more = drive.folder("Private")
    hub.settings |= {"everything": False, "folders": [{"id": chosen, "title": "Course"}]}
    sidecar.start()
    until(lambda: sidecar.read("Course/a.txt") == b"a", SOON_S)
    until(idle(sidecar), SOON_S)
    assert set(sidecar.tree()) == {"Course", "Course/a.txt"}
    folders = [{"id": chosen, "title": "Course"}, {"id": more, "title": "Private"}]
    hub.settings = hub.settings | {"folders": folders}
    sidecar.write("Course/news.txt", b"news")  # so that it reports
    until(lambda: sidecar.read("Private/b.txt") == b"b", SOON_S)


def test_a_flush_is_answered_when_all_is_in_drive(sidecar: Sidecar, drive: Drive) -> None:
    begin(sidecar)
    with sidecar.asleep():
        for number in range(20):
            sidecar.write(f"{number}.txt", str(number).encode())
        sidecar.wish("w1")
    until(lambda: (sidecar.status().get("flush") or {}).get("state") == "clean", SOON_S)
    assert drive.tree() == sidecar.tree()


def test_sigterm_sends_what_is_left_and_tells_it(
    sidecar: Sidecar, drive: Drive, hub: HubStub
) -> None:
    begin(sidecar)
    with sidecar.asleep():
        for number in range(20):
            sidecar.write(f"{number}.txt", str(number).encode())
        sidecar.signal(signal.SIGTERM)
    assert sidecar.wait() == 0
    assert drive.tree() == sidecar.tree()
    assert hub.last["result"] == "20 files in Drive, 0 conflict copies, 0 unsynced"
    assert sidecar.status()["state"] == "ended"


def test_the_last_flush_waits_for_nothing_that_is_to_come_down(
    sidecar: Sidecar, drive: Drive, hub: HubStub
) -> None:
    begin(sidecar)
    drive.emulator.faults.add(Rule(Fault.DELAY, query="alt=media", amount=2500, times=None))
    with sidecar.asleep():
        for number in range(60):
            drive.write(f"there {number}.txt", b"there")
            sidecar.write(f"here {number}.txt", str(number).encode())
        sidecar.signal(signal.SIGTERM)
    began = time.monotonic()
    assert sidecar.wait() == 0
    assert time.monotonic() - began < 5
    assert all(drive.find(f"here {number}.txt") for number in range(60))
    assert hub.last["files"] >= 60
    assert hub.last["result"].endswith(" files in Drive, 0 conflict copies, 0 unsynced")


def test_what_the_deadline_leaves_goes_up_at_the_next_start(
    sidecar: Sidecar, drive: Drive, hub: HubStub
) -> None:
    hub.settings |= {"flush_s": 1}
    begin(sidecar)
    slow = Rule(Fault.DELAY, operation="files.insert", amount=700, times=None)
    drive.emulator.faults.add(slow)
    with sidecar.asleep():
        for number in range(100):
            sidecar.write(f"{number:03}.txt", str(number).encode())
        sidecar.signal(signal.SIGTERM)
    began = time.monotonic()
    assert sidecar.wait() == 0
    assert time.monotonic() - began < 8
    assert "unsynced: kept here" in hub.last["result"]
    drive.emulator.faults.replace([])
    sidecar.start()
    until(lambda: sidecar.tree() == drive.tree(), SOON_S)
    until(idle(sidecar), SOON_S)
    titles = [seen.file.title for seen in drive.store.in_folder(AT_HOME, drive.root)]
    assert len(titles) == len(set(titles)) == 100, "nothing is there twice"


def test_a_large_upload_goes_on_where_a_kill_left_it(sidecar: Sidecar, drive: Drive) -> None:
    begin(sidecar)
    data = bytes(range(256)) * (60 * 4096)
    drive.emulator.faults.add(Rule(Fault.DELAY, operation="uploads.put", amount=150, times=None))
    sidecar.write("large.bin", data)
    until(lambda: _sent(drive) >= 16 << 20, SOON_S)
    sidecar.kill()
    drive.emulator.faults.replace([])
    before = _sent(drive)
    assert drive.find("large.bin") is None
    sidecar.start()
    until(lambda: drive.find("large.bin") is not None, SOON_S)
    until(idle(sidecar), SOON_S)
    assert drive.tree() == {"large.bin": digest(data)}
    assert _sent(drive) - before <= len(data) - (16 << 20) + (8 << 20), "it began anew"


def _sent(drive: Drive) -> int:
    entries = drive.emulator.journal.entries()
    return sum(entry.sent_bytes for entry in entries if entry.operation == "uploads.put")


def test_a_consent_that_is_withdrawn_ends_all_requests(
    sidecar: Sidecar, drive: Drive, hub: HubStub
) -> None:
    drive.write("a.txt", b"a")
    sidecar.start()
    until(lambda: sidecar.read("a.txt") == b"a", SOON_S)
    refusal = json.dumps({"state": "disconnected", "message": "You disconnected Drive."}).encode()
    hub.answers = {"access": (403, refusal), "report": (403, refusal)}
    drive.emulator.grants.revoke_all(USER)
    until(lambda: sidecar.status().get("pause") == "reconnect", SOON_S)
    assert sidecar.status()["pause_detail"] == "You disconnected Drive."
    asked = len(drive.emulator.journal.entries())
    sidecar.write("b.txt", b"b")
    time.sleep(1)
    assert len(drive.emulator.journal.entries()) <= asked + 1
    assert sidecar.read("a.txt") == b"a"
    hub.answers = {}
    until(lambda: drive.read("b.txt") == b"b", SOON_S)


def test_another_account_gets_no_file_of_the_former_one(
    sidecar: Sidecar, drive: Drive, hub: HubStub
) -> None:
    other = Access("other@example.org", "a browser elsewhere")
    root = drive.store.add_account(other.email).root
    drive.write("a.txt", b"a")
    begin(sidecar)
    sidecar.write("b.txt", b"b")
    until(lambda: drive.read("b.txt") == b"b", SOON_S)
    until(lambda: sidecar.read("a.txt") == b"a", SOON_S)
    until(idle(sidecar), SOON_S)
    sidecar.opens()
    hub.fresh_token = lambda: drive.emulator.token(other.email)
    hub.settings = hub.settings | {"account": root}
    drive.emulator.grants.revoke_all(USER)
    until(lambda: sidecar.files() == [], SOON_S)
    sidecar.write("new.txt", b"new")
    titles = lambda: {one.file.title for one in drive.store.in_folder(other, root)}  # noqa: E731
    until(lambda: titles() == {"new.txt"}, SOON_S)
    assert sidecar.files() == [digest(b"new")]
    assert titles() == {"new.txt"} and set(drive.tree()) == {"a.txt", "b.txt"}


def test_a_token_that_google_refuses_is_replaced(
    sidecar: Sidecar, drive: Drive, hub: HubStub
) -> None:
    begin(sidecar)
    drive.emulator.grants.revoke(hub.token)
    sidecar.write("a.txt", b"a")
    until(lambda: drive.read("a.txt") == b"a", SOON_S)


def test_at_rest_it_is_small_and_asks_once_a_cycle(
    sidecar: Sidecar, drive: Drive, hub: HubStub
) -> None:
    for number in range(200):
        drive.write(f"Folder/{number}.txt", str(number).encode())
    sidecar.start()
    until(lambda: len(sidecar.tree()) == 201, SOON_S)
    until(idle(sidecar), SOON_S)
    time.sleep(2)
    drive.emulator.journal.clear()
    time.sleep(2)
    entries = drive.emulator.journal.entries()
    assert entries
    assert {entry.operation for entry in entries} == {"changes.list"}
    held = sidecar.megabytes()
    print(held)
    assert held["VmRSS"] <= 38
