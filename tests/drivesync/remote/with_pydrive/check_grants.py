"""Access tokens: asked for when they are needed, and never held on to."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from drive_emulator.faults import Fault
from drivesync import faults, google


def test_nothing_is_asked_before_the_first_request(drive) -> None:
    assert drive.asked_for_tokens == 0
    assert drive.requests() == []


def test_threads_that_begin_together_share_one_token(drive) -> None:
    begin = threading.Barrier(16)

    def ask(_: int) -> None:
        begin.wait()
        drive.remote.cursor()

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(ask, range(16)))
    assert drive.asked_for_tokens == 1


def test_a_token_that_ended_is_renewed_and_the_request_goes_again(
    drive, source, progress
) -> None:
    id_ = drive.id()
    drive.emulator.set(clock_ahead_s=4000)
    drive.remote.create(id_, drive.root, "a", source(b"text"), progress)
    assert drive.asked_for_tokens == 2
    assert drive.files() == {"a": source(b"text").md5}
    assert progress.sum == 4


@pytest.mark.parametrize("seconds", [-100, 0, 60, 200])
def test_a_token_that_ends_soon_is_used_as_long_as_it_holds(drive, seconds) -> None:
    def access() -> tuple[str, datetime]:
        token, _ = drive.access()
        return token, datetime.now(UTC) + timedelta(seconds=seconds)

    remote = drive.another(access=access)
    for _ in range(3):
        remote.cursor()
    assert drive.asked_for_tokens == 1


def test_a_token_is_renewed_before_its_end(drive, monkeypatch) -> None:
    def access() -> tuple[str, datetime]:
        token, _ = drive.access()
        return token, datetime.now(UTC) + timedelta(seconds=1.2)

    monkeypatch.setattr(google, "MARGIN", timedelta(seconds=0.8))
    remote = drive.another(access=access)
    remote.cursor()
    remote.cursor()
    assert drive.asked_for_tokens == 1
    time.sleep(0.9)
    remote.cursor()
    assert drive.asked_for_tokens == 2


def test_a_revoked_grant_is_dead_even_when_the_hub_gives_tokens(drive) -> None:
    remote = drive.another(access=lambda: ("revoked", datetime.now(UTC) + timedelta(hours=1)))
    with pytest.raises(faults.DeadGrant):
        remote.account()


def test_a_grant_that_dies_while_it_works_is_told(drive, source, progress) -> None:
    tokens = iter([drive.emulator.token("student@example.org")])

    def access() -> tuple[str, datetime]:
        for token in tokens:
            return token, datetime.now(UTC) + timedelta(hours=1)
        raise faults.DeadGrant("Google: invalid_grant")

    remote = drive.another(access=access)
    id_ = remote.new_ids(1)[0]
    drive.fail(Fault.REVOKE, "files.insert")
    with pytest.raises(faults.DeadGrant, match="invalid_grant"):
        remote.create(id_, drive.root, "a", source(b"text"), progress)
    assert drive.files() == {}


def test_googles_own_refresh_error_is_a_dead_grant_too(drive) -> None:
    from google.auth.exceptions import RefreshError

    def access() -> tuple[str, datetime]:
        raise RefreshError("invalid_grant: Token has been expired or revoked.")

    with pytest.raises(faults.DeadGrant):
        drive.another(access=access).account()


def test_a_hub_that_does_not_answer_is_no_dead_grant(drive) -> None:
    def access() -> tuple[str, datetime]:
        raise faults.Lost("The hub does not answer.")

    with pytest.raises(faults.Lost):
        drive.another(access=access).account()


def test_a_grant_without_the_scope_is_dead(drive) -> None:
    scopes = ("https://www.googleapis.com/auth/userinfo.email",)

    def access() -> tuple[str, datetime]:
        token = drive.emulator.token("student@example.org", scopes)
        return token, datetime.now(UTC) + timedelta(hours=1)

    with pytest.raises(faults.DeadGrant):
        drive.another(access=access).account()
