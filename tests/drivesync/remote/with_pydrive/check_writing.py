"""What is done in Drive: once, and only if it is still what was read."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from drive_emulator.faults import Fault
from drivesync import faults
from drivesync.items import FOLDER

LOST = [
    {"fault": Fault.LOST_AFTER},
    {"fault": Fault.REFUSE, "status": 500, "applied": True},
    {"fault": Fault.REFUSE, "status": 503, "applied": True},
    {"fault": Fault.TRUNCATE, "amount": 3},
]


def test_a_small_file_is_made_in_one_request(drive, source, progress) -> None:
    id_ = drive.id()
    drive.forget_requests()
    made = drive.remote.create(id_, drive.root, "a'b/ü.txt", source(b"text"), progress)
    assert drive.requests() == ["files.insert"]
    assert (made.id, made.parent, made.title) == (id_, drive.root, "a'b/ü.txt")
    assert made == drive.remote.get(id_)
    assert (made.md5, progress.sum) == (source(b"text").md5, 4)


def test_an_empty_file_is_one_too(drive, source, progress) -> None:
    made = drive.remote.create(drive.id(), drive.root, "empty", source(b""), progress)
    assert made.size == 0 and made.md5 == source(b"").md5


def test_two_hundred_files_by_sixteen_threads_cost_hardly_more_requests(drive, source) -> None:
    drive.forget_requests()
    ids = drive.remote.new_ids(200)

    def create(number: int) -> None:
        data = source(b"%d" % number)
        drive.remote.create(ids[number], drive.root, f"{number}.txt", data, lambda more: None)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(create, range(200)))
    assert len(drive.files()) == 200
    summary = drive.emulator.journal.summary()
    assert summary["requests_per_created"] <= 1.05
    assert drive.asked_for_tokens == 1


@pytest.mark.parametrize("lost", LOST)
def test_a_create_whose_answer_was_lost_is_never_sent_again(drive, source, progress, lost) -> None:
    id_, data = drive.id(), source(b"text")
    drive.fail(operation="files.insert", **lost)
    drive.forget_requests()
    with pytest.raises(faults.Lost):
        drive.remote.create(id_, drive.root, "a", data, progress)
    assert drive.requests() == ["files.insert"]
    assert progress.sum == 0
    with pytest.raises(faults.Exists):
        drive.remote.create(id_, drive.root, "a", data, progress)
    assert drive.files() == {"a": data.md5}


@pytest.mark.parametrize("lost", LOST)
def test_an_update_whose_answer_was_lost_reads_as_changed_with_our_bytes(
    drive, source, progress, lost
) -> None:
    old, data = drive.make("a", b"old"), source(b"new")
    drive.fail(operation="files.update", **lost)
    drive.forget_requests()
    with pytest.raises(faults.Lost):
        drive.remote.update(old, data, progress)
    assert drive.requests() == ["files.update"]
    with pytest.raises(faults.Changed):
        drive.remote.update(old, data, progress)
    assert drive.remote.get(old.id).md5 == data.md5


def test_an_update_keeps_what_the_file_is(drive, source, progress) -> None:
    old = drive.make("a.txt", b"old")
    new = drive.remote.update(old, source(b"new"), progress)
    assert (new.id, new.title, new.parent, new.mime) == (old.id, "a.txt", old.parent, old.mime)
    assert new.etag != old.etag and new.revision != old.revision


def edit_by_somebody(drive, old) -> None:
    drive.edit(old.id, text="theirs")


@pytest.mark.parametrize("act", ["update", "move", "trash"])
def test_nothing_is_done_to_a_file_that_somebody_changed(drive, source, act) -> None:
    old = drive.make("a", b"old")
    edit_by_somebody(drive, old)
    acts = {
        "update": lambda: drive.remote.update(old, source(b"mine"), lambda more: None),
        "move": lambda: drive.remote.move(old, old.parent, "b"),
        "trash": lambda: drive.remote.trash(old),
    }
    with pytest.raises(faults.Changed):
        acts[act]()
    assert drive.files() == {"a": source(b"theirs").md5}


def test_an_edit_at_the_last_moment_is_not_overwritten(drive, source, progress) -> None:
    old = drive.make("a", b"old")
    edit = {"id": old.id, "text": "theirs"}
    drive.fail(Fault.EDIT_BEFORE, "files.update", edit=edit)
    with pytest.raises(faults.Changed):
        drive.remote.update(old, source(b"mine"), progress)
    assert drive.files() == {"a": source(b"theirs").md5}


def test_a_move_and_a_new_title_are_one_request(drive) -> None:
    folder, old = drive.make("f", None), drive.make("a")
    drive.forget_requests()
    new = drive.remote.move(old, folder.id, "b")
    assert drive.requests() == ["files.patch"]
    assert (new.parent, new.title, new.md5) == (folder.id, "b", old.md5)
    assert drive.remote.move(new, folder.id, "c").parent == folder.id
    assert [f.id for f in drive.remote.children([folder.id])] == [old.id]


def test_a_folder_goes_to_the_trash_with_what_is_in_it(drive) -> None:
    folder = drive.make("f", None)
    inside = drive.make("a", parent=folder.id)
    drive.forget_requests()
    assert drive.remote.trash(folder).trashed
    assert len(drive.requests()) == 1
    assert drive.remote.get(inside.id).trashed


def test_a_folder_is_made_with_its_id_and_once(drive) -> None:
    id_ = drive.id()
    made = drive.remote.create_folder(id_, drive.root, "f")
    assert (made.id, made.mime) == (id_, FOLDER)
    with pytest.raises(faults.Exists):
        drive.remote.create_folder(id_, drive.root, "f")


def test_a_parent_that_is_gone_is_told(drive, source, progress) -> None:
    with pytest.raises(faults.Gone):
        drive.remote.create(drive.id(), "1nothing", "a", source(b"x"), progress)


def test_a_full_drive_is_told(drive, source, progress) -> None:
    drive.emulator.store.set_limit("student@example.org", 3)
    with pytest.raises(faults.RemoteFull):
        drive.remote.create(drive.id(), drive.root, "a", source(b"text"), progress)
    assert drive.files() == {}


@pytest.mark.parametrize(
    "storm",
    [
        {"fault": Fault.REFUSE, "status": 429, "reason": "rateLimitExceeded", "retry_after_s": 1},
        {"fault": Fault.REFUSE, "status": 403, "reason": "userRateLimitExceeded"},
        {"fault": Fault.PAGE, "status": 429},
        {"fault": Fault.PAGE, "status": 403},
    ],
)
def test_a_refused_write_goes_again_when_drive_is_ready(drive, source, progress, storm) -> None:
    id_ = drive.id()
    rule = drive.fail(operation="files.insert", **storm)
    data = source(b"text")
    drive.remote.create(id_, drive.root, "a", data, progress)
    assert rule.met == 1
    assert (progress.sum, data.opened) == (4, 2)
    assert drive.files() == {"a": data.md5}


def test_a_storm_that_does_not_end_is_told_as_busy_within_the_patience(
    drive, source, progress
) -> None:
    id_ = drive.id()
    drive.fail(Fault.REFUSE, "files.insert", times=None, status=429, retry_after_s=3600)
    with pytest.raises(faults.Busy):
        drive.remote.create(id_, drive.root, "a", source(b"text"), progress)
    assert drive.requests().count("files.insert") == 1


def test_stop_ends_a_wait(drive, source, progress) -> None:
    import threading
    import time

    id_ = drive.id()
    drive.fail(Fault.REFUSE, "files.insert", times=None, status=429, retry_after_s=50)
    threading.Timer(0.3, drive.remote.stop).start()
    began = time.monotonic()
    with pytest.raises(faults.Busy):
        drive.remote.create(id_, drive.root, "a", source(b"text"), progress)
    assert time.monotonic() - began < 5


def test_a_file_that_changes_while_it_is_sent_makes_nothing(drive, source, progress) -> None:
    class Growing(type(source(b""))):
        size = 4

    id_ = drive.id()
    with pytest.raises(faults.LocalChanged):
        drive.remote.create(id_, drive.root, "a", Growing(b"text and more"), progress)
    assert drive.files() == {}
    assert progress.sum == 0
    # The connection that broke off in the middle is not used for the next request.
    assert drive.remote.get(id_) is None


def test_a_file_that_may_not_be_written_is_told(drive, source, progress) -> None:
    old = drive.make("a")
    drive.emulator.store.lock_file(old.id)
    old = drive.remote.get(old.id)
    assert not old.editable
    with pytest.raises(faults.NotAllowed):
        drive.remote.update(old, source(b"x"), progress)
