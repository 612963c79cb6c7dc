"""What Drive tells, through real pydrive2."""

from __future__ import annotations

import pytest
from drive_emulator.faults import Fault
from drivesync import faults, remote
from drivesync.model import Kind


def test_an_account_is_told_with_its_root_and_room(drive) -> None:
    drive.emulator.store.set_limit("student@example.org", 1000)
    drive.make("a", b"12345")
    found = drive.remote.account()
    assert (found.root, found.email) == (drive.root, "student@example.org")
    assert (found.used_bytes, found.most_bytes) == (5, 1000)


def test_a_file_is_told_with_all_that_the_engine_needs(drive) -> None:
    found = drive.make("a/b ü.txt", b"text")
    assert (found.title, found.parent, found.kind) == ("a/b ü.txt", drive.root, Kind.FILE)
    assert (found.size, found.md5) == (4, "1cb251ec0d568de6a929b520c4aed8d1")
    assert found.etag and found.revision and found.modified_ms and not found.link
    assert found.editable and found.downloadable and not found.trashed


def test_what_is_not_there_is_none(drive) -> None:
    assert drive.remote.get("1nothing") is None


def test_children_of_many_folders_come_in_few_requests(drive) -> None:
    folders = [drive.make(f"f{n}", None) for n in range(60)]
    made = {drive.make(f"x{n}", b"", parent=f.id).id for n, f in enumerate(folders)}
    trashed = drive.make("gone", b"", parent=folders[0].id)
    drive.edit(trashed.id, trashed=True)
    drive.forget_requests()
    assert {f.id for f in drive.remote.children([f.id for f in folders])} == made
    assert drive.requests() == ["files.list"] * 3


def test_children_come_through_partial_and_empty_pages(drive, monkeypatch) -> None:
    made = {drive.make(f"x{n}", b"").id for n in range(9)}
    monkeypatch.setattr(remote, "PAGE", 6)
    drive.fail(Fault.EMPTY_PAGE, "files.list")
    drive.fail(Fault.PARTIAL_PAGE, "files.list", after=1)
    drive.forget_requests()
    assert {f.id for f in drive.remote.children([drive.root])} == made
    assert drive.requests().count("files.list") > 2


def test_a_folder_that_is_no_more_does_not_hide_the_others(drive) -> None:
    folders = [drive.make(f"f{n}", None).id for n in range(5)]
    made = {drive.make(f"x{f}", b"", parent=f).id for f in folders}
    refused = {"status": 404, "reason": "notFound", "times": None}
    rule = drive.fail(Fault.REFUSE, "files.list", query="'1no' in parents", **refused)
    assert {f.id for f in drive.remote.children([*folders[:2], "1no", *folders[2:]])} == made
    assert rule.met > 1


def test_a_list_that_breaks_off_is_lost_and_not_the_whole(drive, monkeypatch) -> None:
    for number in range(5):
        drive.make(f"x{number}")
    monkeypatch.setattr(remote, "PAGE", 2)
    drive.fail(Fault.REFUSE, "files.list", after=1, status=400, reason="invalid")
    with pytest.raises(faults.Lost):
        list(drive.remote.children([drive.root]))


def test_no_folders_have_no_children_and_ask_nothing(drive) -> None:
    drive.forget_requests()
    assert list(drive.remote.children([])) == []
    assert drive.requests() == []


def test_changes_tell_what_was_made_edited_trashed_and_removed(drive) -> None:
    from drive_emulator.model import Access

    old = drive.make("old")
    gone = drive.make("gone")
    cursor = drive.remote.cursor()
    assert drive.remote.changes(cursor).changes == ()
    new = drive.make("new")
    drive.edit(old.id, trashed=True)
    drive.emulator.store.delete(Access("student@example.org", "web"), gone.id)
    page = drive.remote.changes(cursor)
    assert page.last and page.cursor != cursor
    told = {change.id: change.file for change in page.changes}
    assert told[new.id] == new
    assert told[old.id].trashed
    assert told[gone.id] is None
    assert drive.remote.changes(page.cursor).changes == ()


def test_no_change_costs_one_request(drive) -> None:
    cursor = drive.remote.cursor()
    drive.forget_requests()
    drive.remote.changes(cursor)
    assert drive.requests() == ["changes.list"]


def test_a_page_that_is_not_the_last_leads_on(drive, monkeypatch) -> None:
    cursor = drive.remote.cursor()
    made = {drive.make(f"x{n}").id for n in range(5)}
    monkeypatch.setattr(remote, "PAGE", 2)
    page = drive.remote.changes(cursor)
    assert not page.last
    found = {change.id for change in page.changes}
    while not page.last:
        page = drive.remote.changes(page.cursor)
        found |= {change.id for change in page.changes}
    assert found == made


@pytest.mark.parametrize("cursor", ["nonsense", "-5", "999999999"])
def test_a_cursor_that_drive_does_not_know_is_rejected(drive, cursor) -> None:
    with pytest.raises(faults.CursorRejected):
        drive.remote.changes(cursor)


@pytest.mark.parametrize("status", [400, 404, 410])
def test_an_expired_cursor_is_rejected(drive, status) -> None:
    cursor = drive.remote.cursor()
    drive.fail(Fault.REFUSE, "changes.list", status=status, reason="invalid")
    with pytest.raises(faults.CursorRejected):
        drive.remote.changes(cursor)


def test_new_ids_are_many_and_different(drive) -> None:
    found = drive.remote.new_ids(1500)
    assert len(set(found)) == 1500


@pytest.mark.parametrize(
    "lost",
    [
        {"fault": Fault.LOST_BEFORE},
        {"fault": Fault.LOST_AFTER},
        {"fault": Fault.PAGE, "status": 502},
        {"fault": Fault.REFUSE, "status": 503},
        {"fault": Fault.TRUNCATE, "amount": 10},
    ],
)
def test_a_read_that_was_lost_is_asked_again(drive, lost) -> None:
    made = drive.make("a")
    rule = drive.fail(operation="files.get", **lost)
    assert drive.remote.get(made.id) == made
    assert rule.met == 1


def test_a_read_that_is_lost_every_time_is_told(drive) -> None:
    rule = drive.fail(Fault.PAGE, "about.get", times=None, status=500)
    with pytest.raises(faults.Lost):
        drive.remote.account()
    assert rule.met == 4


def test_an_export_comes_and_what_cannot_be_exported_is_refused(drive, incoming) -> None:
    document = drive.make("d", None, mime="application/vnd.google-apps.document", text="hello")
    assert document.kind is Kind.DOCUMENT and document.md5 == ""
    into = incoming()
    drive.remote.export(document, "text/plain", into)
    assert b"hello" in into.data
    for mime in ("image/x-none", "text/plain"):
        if mime == "text/plain":
            drive.fail(Fault.REFUSE, "files.export", status=403, reason="exportSizeLimitExceeded")
        with pytest.raises(faults.NotAllowed):
            drive.remote.export(document, mime, incoming())


def test_a_shortcut_is_one(drive) -> None:
    target = drive.make("a")
    mime = "application/vnd.google-apps.shortcut"
    assert drive.make("s", None, mime=mime, target=target.id).kind is Kind.SHORTCUT
