"""Uploads in parts and downloads survive breaks, crashes and other people's edits."""

from __future__ import annotations

import os

import pytest
from drive_emulator.faults import Fault
from drivesync import faults
from drivesync.downloads import PART_BYTES

PUT, BEGIN = "uploads.put", "uploads.begin"


def test_a_large_file_goes_in_parts_and_leaves_nothing_saved(
    drive, source, progress, parts
) -> None:
    data = source(os.urandom(3 * parts + 17))
    id_ = drive.id()
    drive.forget_requests()
    made = drive.remote.create(id_, drive.root, "big", data, progress)
    assert (made.id, made.md5, progress.sum) == (id_, data.md5, data.size)
    assert drive.requests() == [BEGIN, *[PUT] * 4]
    assert drive.uploads.saved == {}


def test_a_file_whose_size_is_a_whole_number_of_parts(drive, source, progress, parts) -> None:
    data = source(os.urandom(2 * parts))
    made = drive.remote.create(drive.id(), drive.root, "big", data, progress)
    assert made.md5 == data.md5


@pytest.mark.parametrize(
    "lost",
    [
        {"fault": fault, **more, "after": after}
        for after in (0, 1, 3)
        for fault, more in (
            (Fault.LOST_BEFORE, {}),
            (Fault.LOST_AFTER, {}),
            (Fault.LOST_MIDWAY, {"amount": 5 if after == 3 else 100_001}),
            (Fault.PAGE, {"status": 503}),
            (Fault.REFUSE, {"status": 500}),
            (Fault.REFUSE, {"status": 429}),
        )
    ],
)
def test_a_break_costs_no_more_than_what_is_missing(drive, source, progress, parts, lost) -> None:
    data = source(os.urandom(3 * parts + 17))
    rule = drive.fail(operation=PUT, **lost)
    made = drive.remote.create(drive.id(), drive.root, "big", data, progress)
    assert rule.met == 1
    assert (made.md5, progress.sum) == (data.md5, data.size)
    sent = sum(e.sent_bytes for e in drive.emulator.journal.entries() if e.operation == PUT)
    assert sent <= data.size + parts
    # Four parts, the one that broke, and the question how much of it came.
    assert drive.requests().count(PUT) <= 6
    assert drive.requests().count(BEGIN) == 1


def test_a_crash_goes_on_where_it_was(drive, source, progress, parts) -> None:
    data, id_ = source(os.urandom(4 * parts)), drive.id()
    drive.fail(Fault.LOST_BEFORE, PUT, after=2, times=None)
    with pytest.raises(faults.Lost):
        drive.remote.create(id_, drive.root, "big", data, progress)
    assert progress.sum == 0
    assert list(drive.uploads.saved) == [f"{id_} {data.md5}"]
    drive.emulator.faults.replace([])
    drive.forget_requests()
    made = drive.another().create(id_, drive.root, "big", data, progress)
    assert (made.md5, progress.sum) == (data.md5, data.size)
    assert drive.requests() == [PUT] * 3
    assert drive.uploads.saved == {}


def test_a_crash_after_the_last_byte_finds_the_file(drive, source, progress, parts) -> None:
    data, id_ = source(os.urandom(parts)), drive.id()
    drive.remote.create(id_, drive.root, "big", data, progress)
    # As it was right before: what had been saved was not yet forgotten.
    drive.forget_requests()
    with pytest.raises(faults.Exists):
        drive.another().create(id_, drive.root, "big", data, progress)
    assert drive.files() == {"big": data.md5}


def test_an_upload_that_drive_forgot_begins_anew(drive, source, progress, parts) -> None:
    data, id_ = source(os.urandom(3 * parts)), drive.id()
    drive.fail(Fault.EXPIRE_UPLOAD, PUT, after=1)
    made = drive.remote.create(id_, drive.root, "big", data, progress)
    assert (made.md5, progress.sum) == (data.md5, data.size)
    assert drive.requests().count(BEGIN) == 2


def test_an_upload_that_does_not_fit_what_drive_has_begins_anew(
    drive, source, progress, parts
) -> None:
    data = source(os.urandom(2 * parts))
    drive.fail(Fault.REFUSE, PUT, after=1, status=400, reason="invalid")
    made = drive.remote.create(drive.id(), drive.root, "big", data, progress)
    assert (made.md5, progress.sum) == (data.md5, data.size)
    assert drive.requests().count(BEGIN) == 2


def test_a_saved_upload_that_drive_forgot_begins_anew(drive, source, progress, parts) -> None:
    data, id_ = source(os.urandom(2 * parts)), drive.id()
    drive.fail(Fault.LOST_BEFORE, PUT, after=1, times=None)
    with pytest.raises(faults.Lost):
        drive.remote.create(id_, drive.root, "big", data, progress)
    drive.emulator.faults.replace([])
    drive.emulator.uploads.expire()
    made = drive.another().create(id_, drive.root, "big", data, progress)
    assert made.md5 == data.md5
    assert drive.uploads.saved == {}


def test_an_upload_that_is_forgotten_every_time_is_told(drive, source, progress, parts) -> None:
    drive.fail(Fault.EXPIRE_UPLOAD, PUT, times=None)
    with pytest.raises(faults.Lost):
        drive.remote.create(drive.id(), drive.root, "b", source(os.urandom(parts)), progress)


@pytest.mark.parametrize("late_match", [True, False])
def test_an_edit_during_an_upload_is_not_overwritten(
    drive, source, progress, parts, late_match
) -> None:
    drive.emulator.set(late_match=late_match)
    old, data = drive.make("a", b"old"), source(os.urandom(3 * parts))
    drive.fail(Fault.EDIT_AFTER, PUT, edit={"id": old.id, "text": "theirs"})
    with pytest.raises(faults.Changed):
        drive.remote.update(old, data, progress)
    assert drive.files() == {"a": source(b"theirs").md5}
    assert drive.uploads.saved == {}
    new = drive.remote.update(drive.remote.get(old.id), data, progress)
    assert new.md5 == data.md5


def test_an_update_in_parts_asks_about_the_version_as_it_begins(
    drive, source, progress, parts
) -> None:
    old = drive.make("a", b"old")
    drive.edit(old.id, text="theirs")
    with pytest.raises(faults.Changed):
        drive.remote.update(old, source(os.urandom(parts)), progress)
    assert PUT not in drive.requests()


def test_a_large_update_whose_answer_was_lost_is_found_done(drive, source, progress, parts) -> None:
    old, data = drive.make("a", b"old"), source(os.urandom(2 * parts))
    drive.fail(Fault.LOST_AFTER, PUT, after=1)
    assert drive.remote.update(old, data, progress).md5 == data.md5


def test_a_local_file_that_changes_between_parts_is_not_mixed(
    drive, source, progress, parts
) -> None:
    data = source(os.urandom(3 * parts), then=b"short")
    with pytest.raises(faults.LocalChanged):
        drive.remote.create(drive.id(), drive.root, "a", data, progress)
    assert drive.files() == {} and drive.uploads.saved == {}


def test_an_end_while_it_is_open_whether_the_file_is_there_is_lost(
    drive, source, progress, parts
) -> None:
    id_, data = drive.id(), source(os.urandom(parts))
    drive.fail(Fault.LOST_AFTER, PUT)
    drive.fail(Fault.REFUSE, PUT, after=1, times=None, status=429, retry_after_s=3600)
    with pytest.raises(faults.Lost):
        drive.remote.create(id_, drive.root, "a", data, progress)
    assert drive.files() == {"a": data.md5}
    drive.emulator.faults.replace([])
    assert drive.another().create(id_, drive.root, "a", data, progress).md5 == data.md5
    assert len(drive.files()) == 1


def test_a_download_is_what_was_told(drive, incoming, progress) -> None:
    for data in (b"", b"text", os.urandom(2 * PART_BYTES + 5)):
        made, into = drive.make("a", data), incoming()
        drive.remote.download(made, into, progress)
        assert into.data == data
    assert progress.sum == 4 + 2 * PART_BYTES + 5


@pytest.mark.parametrize("after", [0, 1])
@pytest.mark.parametrize(
    "broken",
    [
        {"fault": Fault.TRUNCATE, "amount": 1000},
        {"fault": Fault.LOST_BEFORE},
        {"fault": Fault.PAGE, "status": 500},
        {"fault": Fault.REFUSE, "status": 403, "reason": "userRateLimitExceeded"},
    ],
)
def test_a_download_that_breaks_goes_on(drive, incoming, progress, broken, after) -> None:
    data = os.urandom(2 * PART_BYTES)
    made, into = drive.make("a", data), incoming()
    rule = drive.fail(operation="files.get", query="alt=media", after=after, **broken)
    drive.remote.download(made, into, progress)
    assert rule.met == 1
    assert into.data == data and progress.sum == len(data)


def test_an_edit_during_a_download_does_not_mix_two_versions(drive, incoming, progress) -> None:
    data = os.urandom(2 * PART_BYTES)
    made, into = drive.make("a", data), incoming()
    edit = {"id": made.id, "text": "x" * len(data)}
    drive.fail(Fault.EDIT_BEFORE, "files.get", query="alt=media", after=1, edit=edit)
    drive.remote.download(made, into, progress)
    assert into.data == data


def test_a_version_that_is_not_kept_is_told_as_changed(drive, incoming, progress) -> None:
    made = drive.make("a", b"old")
    drive.edit(made.id, text="new")
    drive.emulator.store.forget_revisions(made.id)
    with pytest.raises(faults.Changed):
        drive.remote.download(made, incoming(), progress)


def test_a_file_that_is_gone_is_told_as_gone(drive, incoming, progress) -> None:
    from drive_emulator.model import Access

    made = drive.make("a", b"old")
    drive.emulator.store.delete(Access("student@example.org", "web"), made.id)
    with pytest.raises(faults.Gone):
        drive.remote.download(made, incoming(), progress)


def test_bytes_of_another_md5_are_never_taken_for_the_file(drive, incoming, progress) -> None:
    from dataclasses import replace

    made = drive.make("a", b"text")
    with pytest.raises(faults.Changed):
        drive.remote.download(replace(made, md5="0" * 32), incoming(), progress)
    assert progress.sum == 0


@pytest.mark.parametrize("size", [3, 5])
def test_bytes_of_another_size_are_never_taken_for_the_file(
    drive, incoming, progress, size
) -> None:
    from dataclasses import replace

    made = drive.make("a", b"text")
    with pytest.raises(faults.Changed):
        drive.remote.download(replace(made, size=size), incoming(), progress)


def test_what_cannot_be_downloaded_is_told(drive, incoming, progress) -> None:
    made = drive.make("a", b"text")
    drive.fail(Fault.REFUSE, "files.get", status=403, reason="cannotDownloadFile")
    with pytest.raises(faults.NotAllowed):
        drive.remote.download(made, incoming(), progress)


def test_a_full_disk_ends_a_download(drive, progress) -> None:
    class Full:
        def write(self, data: bytes) -> None:
            raise faults.LocalFull("No space left")

    made = drive.make("a", b"text")
    with pytest.raises(faults.LocalFull):
        drive.remote.download(made, Full(), progress)
    assert progress.sum == 0
