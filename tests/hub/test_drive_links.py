"""Who let us reach their Drive, and the sidecars of their sessions, on both databases."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from hub import accounts, drive_links, drive_syncs, export, sessions
from hub.accounts import NewAccount
from hub.audit import COMMAND_LINE, By
from hub.drive_bearers import Bearers
from hub.drive_links import MOST_FOLDERS, Consent, Folder, Link, Wanted
from hub.drive_syncs import AFTER_THE_END, Sync
from hub.enums import DriveScope, DriveState, Reason, Role
from hub.models import drive_links as link_rows
from hub.models import drive_syncs as sync_rows
from hub.store import Store
from spawner.errors import CarrelError, Code

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ADA = By("ada", NOW)
CONSENT = Consent("sealed-1", DriveScope.FULL, "ada@school.example", "root-1")
BEARERS = Bearers.of([b"k" * 32])
DATA = Folder("f1", "Data", "Lab/Data", 2048, 3)


@pytest.fixture
def people(store: Store) -> Store:
    for name in ("ada", "eve"):
        store.decide(accounts.create, NewAccount(name, Role.STUDENT), By(COMMAND_LINE, NOW))
    return store


@pytest.fixture
def linked(people: Store) -> Store:
    people.decide(drive_links.link, "ada", CONSENT, ADA)
    people.decide(drive_links.choose, "ada", [DATA], False, ADA)
    return people


def link(store: Store, user: str = "ada") -> Link:
    found = store.read(drive_links.find, user)
    assert found
    return found


def session(store: Store, user: str = "ada") -> str:
    """One that runs."""
    id_ = store.decide(sessions.open_session, user, "small", NOW).id
    store.decide(sessions.mark_starting, id_, NOW)
    return id_


def test_nothing_is_wanted_before_folders_are_chosen(people: Store) -> None:
    id_ = session(people)
    assert people.read(drive_links.wanted) == []
    people.decide(drive_links.link, "ada", CONSENT, ADA)
    assert people.read(drive_links.wanted) == []
    assert not people.read(drive_links.mounted, "ada")
    people.decide(drive_links.choose, "ada", [], False, ADA)
    assert people.read(drive_links.wanted) == [] and link(people).chosen_at is None
    people.decide(drive_links.choose, "ada", [DATA], False, ADA)
    assert people.read(drive_links.wanted) == [Wanted("ada", id_)]
    assert people.read(drive_links.mounted, "ada")
    assert link(people).folders == (DATA,) and link(people).chosen_at == NOW
    people.decide(drive_links.choose, "ada", [DATA], True, ADA)
    assert link(people).everything and link(people).folders == ()
    assert people.read(drive_links.wanted) == [Wanted("ada", id_)]


def test_a_session_that_waits_or_has_ended_wants_none(linked: Store) -> None:
    id_ = linked.decide(sessions.open_session, "ada", "small", NOW).id
    assert linked.read(drive_links.wanted) == []
    linked.decide(sessions.mark_running, id_, "c", "http://x/", NOW)
    assert linked.read(drive_links.wanted) == [Wanted("ada", id_)]
    linked.decide(sessions.mark_draining, id_)
    assert linked.read(drive_links.wanted) == [Wanted("ada", id_)]
    linked.decide(sessions.close_session, id_, Reason.STOPPED_BY_USER, NOW)
    assert linked.read(drive_links.wanted) == []


def test_disconnecting_takes_the_token_away_and_leaves_the_files(linked: Store) -> None:
    id_ = session(linked)
    linked.decide(drive_links.confirm_deletion, "ada", ADA)
    assert linked.decide(drive_links.disconnect, "ada", ADA) == "sealed-1"
    assert linked.decide(drive_links.disconnect, "ada", ADA) is None
    found = link(linked)
    assert (found.state, found.sealed) == (DriveState.DISCONNECTED, None)
    assert found.confirmed_deletion_at is None
    assert linked.read(drive_links.wanted) == [] and linked.read(drive_links.mounted, "ada")
    for action in (
        lambda: linked.decide(drive_links.choose, "ada", [], False, ADA),
        lambda: linked.decide(drive_links.confirm_deletion, "ada", ADA),
    ):
        with pytest.raises(CarrelError) as refused:
            action()
        assert refused.value.code is Code.CONFLICT
    # The same Drive again: the same folders.
    linked.decide(drive_links.link, "ada", CONSENT, ADA)
    assert link(linked).folders == (DATA,)
    assert linked.read(drive_links.wanted) == [Wanted("ada", id_)]


def test_another_drive_starts_with_nothing_chosen(linked: Store) -> None:
    other = Consent("sealed-2", DriveScope.READ_ONLY, "ada@home.example", "root-2")
    before = linked.decide(drive_links.link, "ada", other, ADA)
    assert before is not None and (before.sealed, before.root) == ("sealed-1", "root-1")
    found = link(linked)
    assert (found.folders, found.scope) == ((), DriveScope.READ_ONLY)
    assert linked.read(drive_links.mounted, "ada")


def test_a_consent_is_lost_only_by_the_token_that_it_is_on_record_with(linked: Store) -> None:
    """An answer that comes late says nothing of what was connected since."""
    assert not linked.decide(drive_links.lose, "ada", "sealed-0", "gone", ADA)
    assert link(linked).state is DriveState.LINKED
    assert linked.decide(drive_links.lose, "ada", "sealed-1", "gone", ADA)
    assert not linked.decide(drive_links.lose, "ada", "sealed-1", "gone", ADA)
    assert (link(linked).state, link(linked).problem) == (DriveState.RECONNECT, "gone")
    id_ = session(linked)
    assert linked.read(drive_links.wanted) == [Wanted("ada", id_)]
    assert linked.decide(drive_links.reseal, "ada", "sealed-1", "sealed-1b")
    assert not linked.decide(drive_links.reseal, "ada", "sealed-1", "sealed-1c")
    assert linked.read(drive_links.sealed_ones) == {"ada": "sealed-1b"}


def test_what_is_too_much_or_not_allowed_is_refused(linked: Store) -> None:
    many = [Folder(f"f{number}", "x", "x") for number in range(MOST_FOLDERS + 1)]
    with pytest.raises(CarrelError) as refused:
        linked.decide(drive_links.choose, "ada", many, False, ADA)
    assert refused.value.code is Code.BAD_INPUT
    linked.decide(accounts.disable, "eve", By(COMMAND_LINE, NOW))
    with pytest.raises(CarrelError):
        linked.decide(drive_links.link, "eve", CONSENT, By("eve", NOW))
    for values in ({"sealed": None}, {"state": DriveState.DISCONNECTED}):
        with pytest.raises(sa.exc.IntegrityError), linked.deciding() as tx:
            tx.execute(link_rows.update().values(**values))


def test_with_the_account_all_of_it_goes(linked: Store) -> None:
    id_ = session(linked)
    bearer = linked.decide(drive_syncs.begin, "ada", id_, BEARERS, NOW)
    later = NOW + timedelta(days=30)
    linked.decide(accounts.remove, "ada", By(COMMAND_LINE, NOW), later)
    assert linked.read(drive_links.find, "ada") is None
    assert linked.read(drive_syncs.by_bearer, bearer, BEARERS, NOW) is None
    with linked.reading() as tx:
        assert tx.execute(sa.select(sync_rows)).all() == []


def test_a_bearer_lives_as_long_as_its_sidecar(linked: Store) -> None:
    id_ = session(linked)

    def of(bearer: str, now: datetime = NOW) -> Sync | None:
        return linked.read(drive_syncs.by_bearer, bearer, BEARERS, now)

    first = linked.decide(drive_syncs.begin, "ada", id_, BEARERS, NOW)
    found = of(first)
    assert found and (found.user, found.session) == ("ada", id_)
    with linked.reading() as tx:
        assert first not in str(tx.execute(sa.select(sync_rows)).all())
    second = linked.decide(drive_syncs.begin, "ada", id_, BEARERS, NOW)
    assert of(first) is None and of(second)
    assert [one.session for one in linked.read(drive_syncs.open_ones)] == [id_]
    assert linked.read(drive_syncs.count_open) == 1
    # It outlives its session for the flush, and not for ever, should nobody end it.
    linked.decide(sessions.close_session, id_, Reason.IDLE, NOW)
    assert of(second, NOW + timedelta(minutes=1))
    assert of(second, NOW + AFTER_THE_END + timedelta(seconds=1)) is None
    linked.decide(drive_syncs.end, id_, NOW)
    linked.decide(drive_syncs.end, id_, NOW + timedelta(hours=1))
    assert of(second) is None and linked.read(drive_syncs.open_ones) == []
    ended = linked.read(drive_syncs.of_session, id_)
    assert ended and ended.ended_at == NOW
    assert not linked.decide(drive_syncs.report, id_, "{}", NOW)
    for nonsense in ("", "\0", "\ud800", "x" * 10_000, id_, f"{id_}.", f"{id_}.\ud800"):
        assert of(nonsense) is None


def test_whoever_writes_into_the_database_can_make_no_bearer(linked: Store) -> None:
    linked.decide(drive_links.link, "eve", CONSENT, By("eve", NOW))
    mine, theirs = session(linked), session(linked, "eve")
    bearer = linked.decide(drive_syncs.begin, "ada", mine, BEARERS, NOW)
    linked.decide(drive_syncs.begin, "eve", theirs, BEARERS, NOW)

    def wrote(session_: str, shown: str, **values: str) -> Sync | None:
        with linked.deciding() as tx:
            row = sync_rows.update().where(sync_rows.c.session == session_)
            tx.execute(row.values(result="", **values))
        return linked.read(drive_syncs.by_bearer, shown, BEARERS, NOW)

    forged = f"{theirs}.forged"
    assert not wrote(theirs, forged, bearer_hash=hashlib.sha256(forged.encode()).hexdigest())
    assert not wrote(theirs, forged, bearer_hash=Bearers.of([b"g" * 32]).new("eve", theirs)[1])
    assert wrote(mine, bearer)
    assert not wrote(mine, bearer, user="eve")


def test_a_bearer_is_known_as_long_as_its_key_is_there(linked: Store) -> None:
    id_, old, new = session(linked), b"k" * 32, b"n" * 32
    bearer = linked.decide(drive_syncs.begin, "ada", id_, Bearers.of([old]), NOW)
    for keys, known in (([new, old], True), ([new], False)):
        found = linked.read(drive_syncs.by_bearer, bearer, Bearers.of(keys), NOW)
        assert (found is not None) is known


def test_results_stay_and_names_of_files_are_the_newests_alone(linked: Store) -> None:
    first = session(linked)
    linked.decide(drive_syncs.begin, "ada", first, BEARERS, NOW)
    linked.decide(drive_syncs.finish, first, '{"a": 1}', "42 files in Drive", NOW)
    linked.decide(sessions.close_session, first, Reason.IDLE, NOW)
    linked.decide(drive_syncs.end, first, NOW)
    second = session(linked)
    linked.decide(drive_syncs.begin, "ada", second, BEARERS, NOW + timedelta(hours=1))
    kept = linked.read(drive_syncs.of_session, first)
    assert kept and (kept.report, kept.result) == ("", "42 files in Drive")
    newest = linked.read(drive_syncs.newest_of, "ada")
    assert newest and newest.session == second
    linked.decide(drive_syncs.end_all_of, "ada", NOW)
    assert linked.read(drive_syncs.count_open) == 0


def test_an_export_holds_no_token_and_to_others_no_names(linked: Store) -> None:
    id_ = session(linked)
    bearer = linked.decide(drive_syncs.begin, "ada", id_, BEARERS, NOW)
    linked.decide(drive_syncs.report, id_, '{"x": "names of files"}', NOW)
    own = linked.decide(export.begin, "ada", ADA)
    others = linked.decide(export.begin, "ada", By(COMMAND_LINE, NOW))
    for tar in (own, others):
        assert b"ada@school.example" in tar and b"sealed" not in tar
        assert bearer.encode() not in tar and b"bearer" not in tar
        assert (b"names of files" in tar) is (b"Lab/Data" in tar) is (tar is own)
