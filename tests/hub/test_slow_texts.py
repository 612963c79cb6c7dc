"""Texts whose Unicode normal form takes minutes: nobody stops the hub with one, invited or not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from hub import accounts, passwords
from hub.attempts import Limits
from hub.audit import By
from hub.login import Login, check
from hub.settings import Settings
from hub.store import Store
from spawner.errors import CarrelError
from spawner.names import canonical
from tests.hub.real_hub.running import Hub

# Marks of two classes in turn: putting them in order takes time by the square (20 s for this).
SLOW = "a" + "\u0301\u0323" * 70_000
SOON_S = 5


@contextmanager
def soon() -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < SOON_S


def test_names_and_passwords_are_measured_before_they_are_normalised(
    store: Store, by: By, cheap_hashes: None
) -> None:
    limits = Limits.of(Settings().auth)
    with soon():
        for refuse in (canonical, accounts.clean_full_name):
            with pytest.raises(CarrelError):
                refuse(SLOW)
        with pytest.raises(CarrelError, match="too long"):
            passwords.ensure_acceptable(SLOW, "ann", 10)
        assert not passwords.verify(None, SLOW)
        assert not hasattr(check(store, Login(SLOW, SLOW, "192.0.2.1"), limits, by.at), "role")


def test_what_is_cut_is_never_taken_for_what_was_sent() -> None:
    """The most that a normal form makes of a text shorter: four characters to one."""
    four = "\u03b1\u0313\u0300\u0345"
    with pytest.raises(CarrelError, match="too long"):
        accounts.clean_full_name(four * 101)
    assert len(accounts.clean_full_name(four * 100)) == 100
    hashed = passwords.HASHER.hash(passwords._encode(four * 1024))
    assert not passwords.verify(hashed, four * 1024)
    with pytest.raises(CarrelError):
        canonical("a" * 64 + " " * 300)


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/hub/invitation", {"username": SLOW}),
        ("/hub/invitation", {"username": "ann", "full_name": SLOW}),
        ("/hub/invitation", {"username": "ann", "password": SLOW, "password2": SLOW}),
        ("/hub/login", {"username": "ann", "password": SLOW}),
        ("/hub/login", {"username": SLOW, "password": "x"}),
    ],
)
def test_a_stranger_cannot_stop_the_hub(hub: Hub, path: str, fields: dict[str, str]) -> None:
    browser = hub.browser()
    with soon():
        answer = browser.post_to(path, path, **fields)
        assert answer.status_code < 500
        assert hub.browser().get("/hub/login").status_code == 200
