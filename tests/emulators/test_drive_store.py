"""The emulated Drive behaves as Drive does where a sync could lose something."""

from __future__ import annotations

import pytest
from drive_emulator.model import (
    FOLDER,
    SHORTCUT,
    Access,
    Bytes,
    Edit,
    New,
    Refused,
    Scope,
    Seen,
)
from drive_emulator.store import Store

ANNA = Access("anna@example.org", "carrel")
BEN = Access("ben@example.org", "carrel")


class Clock:
    """Every look is a millisecond later."""

    now = 1_790_000_000_000

    def __call__(self) -> int:
        self.now += 1
        return self.now


@pytest.fixture
def drive() -> Store:
    store = Store(Clock(), seed=7)
    store.add_account(ANNA.email, "Anna", most_bytes=1000)
    store.add_account(BEN.email, "Ben")
    return store


def folder(drive: Store, title: str = "folder", parent: str = "root") -> str:
    return drive.insert(ANNA, New(title, FOLDER, parent)).id


def file(drive: Store, title: str = "a.txt", parent: str = "root", data: bytes = b"one") -> Seen:
    return drive.insert(ANNA, New(title, "text/plain", parent, blob=Bytes.of(data)))


def changed(drive: Store, since: int, access: Access = ANNA) -> dict[str, Seen | None]:
    page = drive.changes(access, since)
    assert page.next is None
    return {entry.id: entry.seen for entry in page.entries}


def refusal(call, *arguments, **more) -> tuple[int, str]:
    with pytest.raises(Refused) as refused:
        call(*arguments, **more)
    return refused.value.status, refused.value.reason


def test_two_files_of_one_title_live_in_one_folder(drive: Store) -> None:
    first, second = file(drive), file(drive)
    assert first.id != second.id
    assert {seen.id for seen in drive.in_folder(ANNA, "root")} == {first.id, second.id}


def test_a_generated_id_is_used_once(drive: Store) -> None:
    [id_] = drive.generate_ids(1)
    drive.insert(ANNA, New("a", id=id_))
    assert refusal(drive.insert, ANNA, New("b", id=id_)) == (409, "fileIdInUse")
    drive.delete(ANNA, id_)
    assert refusal(drive.insert, ANNA, New("b", id=id_)) == (409, "fileIdInUse")


def test_an_id_that_was_not_generated_is_not_usable(drive: Store) -> None:
    assert refusal(drive.insert, ANNA, New("a", id="1" + "x" * 32)) == (400, "invalid")
    [id_] = drive.generate_ids(1)
    assert refusal(drive.insert, ANNA, New("a", SHORTCUT, id=id_)) == (400, "invalid")


@pytest.mark.parametrize(
    "edit", [Edit(title="b"), Edit(blob=Bytes.of(b"two")), Edit(trashed=True), Edit(starred=True)]
)
def test_every_change_has_another_etag_and_the_old_one_matches_no_more(
    drive: Store, edit: Edit
) -> None:
    before = file(drive)
    after = drive.update(ANNA, before.id, edit, before.etag)
    assert after.etag != before.etag
    for call in (drive.update, drive.delete):
        arguments = (Edit(title="c"),) if call == drive.update else ()
        assert refusal(call, ANNA, before.id, *arguments, if_match=before.etag)[0] == 412
    assert drive.get(ANNA, before.id) == after


def test_revisions_keep_what_a_file_was(drive: Store) -> None:
    first = file(drive).file
    second = drive.update(ANNA, first.id, Edit(blob=Bytes.of(b"two!"))).file
    assert second.head.id != first.head.id and second.head.blob.md5 != first.head.blob.md5
    assert drive.revision(ANNA, first.id, first.head.id).blob.read(0, 9) == b"one"
    drive.update(ANNA, first.id, Edit(blob=Bytes.of(b"three"), new_revision=False))
    assert [r.blob.read(0, 9) for r in drive.get(ANNA, first.id).file.revisions] == [
        b"one",
        b"three",
    ]
    drive.forget_revisions(first.id)
    assert refusal(drive.revision, ANNA, first.id, first.head.id) == (404, "notFound")


@pytest.mark.parametrize("told", [True, False])
def test_what_is_in_a_trashed_folder_is_trashed_and_comes_back_with_it(
    drive: Store, told: bool
) -> None:
    drive.tells_descendants = told
    outer = folder(drive)
    inner = file(drive, parent=folder(drive, parent=outer))
    since = drive.start_token()
    drive.trash(ANNA, outer)
    seen = drive.get(ANNA, inner.id)
    assert seen.trashed and not seen.file.explicitly_trashed
    assert (inner.id in changed(drive, since)) is told
    assert drive.in_folder(ANNA, inner.parent) == []
    drive.untrash(ANNA, outer)
    assert not drive.get(ANNA, inner.id).trashed


def test_deleting_a_folder_deletes_what_is_in_it(drive: Store) -> None:
    outer = folder(drive)
    inner = file(drive, parent=outer)
    since = drive.start_token()
    drive.delete(ANNA, outer)
    assert refusal(drive.get, ANNA, inner.id) == (404, "notFound")
    assert changed(drive, since) == {outer: None, inner.id: None}
    assert drive.account(ANNA.email).used_bytes == 0


def test_of_each_file_only_the_newest_change_is_listed_as_it_is_now(drive: Store) -> None:
    since = drive.start_token()
    one, two = file(drive, "one"), file(drive, "two")
    drive.update(ANNA, one.id, Edit(title="uno"))
    entries = drive.changes(ANNA, since).entries
    assert [(entry.id, entry.seen.file.title) for entry in entries] == [
        (two.id, "two"),
        (one.id, "uno"),
    ]


def test_changes_come_in_pages_and_only_the_last_has_a_new_start(drive: Store) -> None:
    since = drive.start_token()
    ids = [file(drive, str(n)).id for n in range(5)]
    page, found = drive.changes(ANNA, since, limit=2), []
    while page.next is not None:
        assert page.start is None
        found += page.entries
        page = drive.changes(ANNA, page.next, limit=2)
    assert [entry.id for entry in (*found, *page.entries)] == ids
    assert page.start == drive.start_token()
    assert changed(drive, page.start) == {}


def test_a_token_that_never_was_is_refused(drive: Store) -> None:
    assert refusal(drive.changes, ANNA, drive.start_token() + 1)[0] == 400


def test_people_see_their_own_and_what_is_shared_with_them(drive: Store) -> None:
    outer = folder(drive)
    inner = file(drive, parent=outer)
    assert refusal(drive.get, BEN, inner.id) == (404, "notFound")
    since = drive.start_token()
    drive.share(outer, BEN.email)
    assert set(changed(drive, since, BEN)) == {outer, inner.id}
    seen = drive.get(BEN, outer)
    assert seen.parent == "" and not seen.editable and not seen.mine
    assert refusal(drive.trash, BEN, inner.id) == (403, "insufficientFilePermissions")
    since = drive.start_token()
    drive.share(outer, BEN.email, "")
    assert changed(drive, since, BEN) == {outer: None, inner.id: None}


def test_a_program_with_app_files_sees_what_it_made_alone(drive: Store) -> None:
    file(drive)
    app = Access(ANNA.email, "other", Scope.APP_FILES)
    since = drive.start_token()
    drive.insert(ANNA, New("b"))
    own = drive.insert(app, New("own"))
    assert [seen.id for seen in drive.find(app, lambda seen: True)] == [own.id]
    assert own.parent == drive.account(ANNA.email).root
    assert refusal(drive.get, app, "root") == (404, "notFound")
    assert set(changed(drive, since, app)) == {own.id}


def test_read_only_reads_only(drive: Store) -> None:
    only = Access(ANNA.email, "carrel", Scope.READ_ONLY)
    id_ = file(drive).id
    assert drive.get(only, id_).id == id_
    assert refusal(drive.update, only, id_, Edit(title="b")) == (403, "insufficientPermissions")


def test_a_full_drive_takes_no_more_bytes_and_changes_nothing(drive: Store) -> None:
    id_ = file(drive, data=b"x" * 600).id
    assert refusal(file, drive, data=b"x" * 401) == (403, "storageQuotaExceeded")
    more = Edit(title="b", blob=Bytes.of(b"x" * 1001))
    assert refusal(drive.update, ANNA, id_, more) == (403, "storageQuotaExceeded")
    assert drive.get(ANNA, id_).file.title == "a.txt"
    drive.update(ANNA, id_, Edit(blob=Bytes.of(b"x" * 1000)))
    folder(drive)


def test_a_folder_is_never_moved_into_itself(drive: Store) -> None:
    outer = folder(drive)
    inner = folder(drive, parent=outer)
    assert refusal(drive.update, ANNA, outer, Edit(parent=inner))[0] == 403
    assert refusal(drive.update, ANNA, outer, Edit(parent=file(drive).id)) == (
        403,
        "parentNotAFolder",
    )


def test_a_moved_file_is_in_its_new_folder_alone(drive: Store) -> None:
    outer, one = folder(drive), file(drive)
    drive.update(ANNA, one.id, Edit(parent=outer))
    assert [seen.id for seen in drive.in_folder(ANNA, outer)] == [one.id]
    assert [seen.id for seen in drive.in_folder(ANNA, "root")] == [outer]


def test_a_stale_list_is_what_it_was_some_changes_ago(drive: Store) -> None:
    old = file(drive, "old")
    drive.update(ANNA, old.id, Edit(title="renamed"))
    file(drive, "new")
    everything = [seen.file.title for seen in drive.find(ANNA, stale=2, parents=["root"])]
    assert everything == ["old"]
    assert len(drive.find(ANNA)) == 2


def test_my_drive_itself_stays(drive: Store) -> None:
    assert refusal(drive.trash, ANNA, "root")[0] == 403


def test_a_seed_and_a_clock_make_the_same_drive_again() -> None:
    def made() -> list[Seen]:
        store = Store(Clock(), seed=7)
        store.add_account(ANNA.email)
        for title in "abc":
            file(store, title)
        return store.find(ANNA)

    assert made() == made()
