"""One access token serves all threads, and none is used to its very end."""

from __future__ import annotations

import threading
import time

import pytest
from drivesync import tokens as tokens_module
from drivesync.hub import Access, HubAway
from drivesync.settings import Settings
from drivesync.tokens import Tokens


class Source:
    """Tokens that are numbered; or a fault."""

    def __init__(self, lives_s: float = 3600) -> None:
        self.lives_s = lives_s
        self.asked = 0
        self.fault: Exception | None = None
        self.told: list[Settings] = []

    def __call__(self) -> Access:
        self.asked += 1
        time.sleep(0.05)
        if self.fault:
            raise self.fault
        return Access(f"token {self.asked}", time.time() + self.lives_s, Settings(poll_s=7))


def test_threads_share_one_refresh() -> None:
    source = Source()
    tokens = Tokens(source, source.told.append)
    got = []
    threads = [threading.Thread(target=lambda: got.append(tokens.get())) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert source.asked == 1
    assert {token.value for token in got} == {"token 1"}
    assert source.told == [Settings(poll_s=7)]


def test_a_token_is_renewed_five_minutes_before_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source()
    tokens = Tokens(source, source.told.append)
    tokens.get()
    start = time.monotonic()
    monkeypatch.setattr(tokens_module.time, "monotonic", lambda: start + 3290)
    assert tokens.get().value == "token 1"
    monkeypatch.setattr(tokens_module.time, "monotonic", lambda: start + 3310)
    assert tokens.get().value == "token 2"


def test_a_clock_that_is_set_back_keeps_no_token_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source()
    tokens = Tokens(source, source.told.append)
    tokens.get()
    start = time.monotonic()
    monkeypatch.setattr(tokens_module.time, "time", lambda: 0.0)
    monkeypatch.setattr(tokens_module.time, "monotonic", lambda: start + 3310)
    assert tokens.get().value == "token 2"


def test_a_short_token_serves_half_its_life() -> None:
    source = Source(lives_s=200)
    tokens = Tokens(source, source.told.append)
    assert tokens.get() == tokens.get()
    assert source.asked == 1


def test_a_refused_token_is_not_given_again() -> None:
    source = Source()
    tokens = Tokens(source, source.told.append)
    first = tokens.get()
    second = tokens.get(refused=first.value)
    assert second.value == "token 2"
    assert tokens.get(refused=first.value) is second, "another thread had it renewed"


def test_a_forgotten_token_is_asked_for_anew() -> None:
    source = Source()
    tokens = Tokens(source, source.told.append)
    tokens.get()
    tokens.forget()
    assert tokens.get().value == "token 2"


def test_threads_share_a_failure_too(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source()
    source.fault = HubAway("away")
    tokens = Tokens(source, source.told.append)
    for _ in range(5):
        with pytest.raises(HubAway):
            tokens.get()
    assert source.asked == 1
    source.fault = None
    start = time.monotonic()
    monkeypatch.setattr(tokens_module.time, "monotonic", lambda: start + 3)
    assert tokens.get().value == "token 2"


def test_a_token_is_not_shown() -> None:
    source = Source()
    assert "token 1" not in repr(Tokens(source, source.told.append).get())
