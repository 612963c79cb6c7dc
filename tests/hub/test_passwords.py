"""Passwords are hashed with argon2id, at most two at a time, and nobody learns who exists."""

from __future__ import annotations

import asyncio
import os
import threading
import time

import pytest
from argon2 import extract_parameters
from argon2.low_level import Type

from hub import passwords
from spawner.errors import CarrelError, Code

GOOD = "four plain words here"


def test_a_password_is_right_and_another_is_wrong() -> None:
    hashed = passwords.hash_password(GOOD)
    assert passwords.verify(hashed, GOOD)
    assert not passwords.verify(hashed, GOOD + " ")
    assert GOOD not in hashed


def test_the_parameters_are_those_that_are_promised() -> None:
    parameters = extract_parameters(passwords.hash_password(GOOD))
    assert parameters.type is Type.ID
    assert (parameters.time_cost, parameters.memory_cost, parameters.parallelism) == (3, 65536, 4)
    assert (parameters.salt_len, parameters.hash_len) == (16, 32)


def test_nobody_costs_as_much_as_somebody() -> None:
    assert extract_parameters(passwords._nobody()) == extract_parameters(
        passwords.hash_password(GOOD)
    )
    hashed = passwords.hash_password(GOOD)
    assert _quickest_s(None) > _quickest_s(hashed) / 2


def _quickest_s(hashed: str | None) -> float:
    """Of three: the machine may be busy with something else."""
    times = []
    for _ in range(3):
        began = time.perf_counter()
        assert not passwords.verify(hashed, "wrong")
        times.append(time.perf_counter() - began)
    return min(times)


@pytest.mark.usefixtures("cheap_hashes")
@pytest.mark.parametrize("typed", ["", "\0", "\ud800", "x" * 10_000, "é" * 600, GOOD.upper()])
def test_whatever_is_typed_is_wrong_and_raises_nothing(typed: str) -> None:
    assert not passwords.verify(passwords.hash_password(GOOD), typed)
    assert not passwords.verify(None, typed)
    assert not passwords.verify("not a hash", typed)


@pytest.mark.usefixtures("cheap_hashes")
def test_one_password_in_two_unicode_spellings_is_one() -> None:
    assert passwords.verify(passwords.hash_password("cafe\u0301 au lait"), "caf\u00e9 au lait")


@pytest.mark.parametrize(
    ("password", "word"),
    [
        ("", "empty"),
        ("short", "short"),
        ("x" * 10_000, "long"),
        ("é" * 513, "long"),
        ("aaaaaaaaaaaaaaa", "guess"),
        ("1234567890", "guess"),
        ("0987654321098", "guess"),
        ("abcdefghij", "guess"),
        ("QWERTYUIOP", "guess"),
        ("Mia-The-First", "guess"),
        ("with a\0 zero byte", "typed"),
        ("with a\nnewline", "typed"),
        ("half \ud800 a pair", "typed"),
        ("bytes that \ufffd were lost", "typed"),
    ],
)
def test_bad_passwords_are_refused_with_a_sentence(password: str, word: str) -> None:
    with pytest.raises(CarrelError) as caught:
        passwords.ensure_acceptable(password, "mia-the-first", 10)
    assert caught.value.code is Code.BAD_INPUT
    assert word in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    "password", [GOOD, "x" * 1023 + "y", "пароль-по-русски", "  spaces  kept  "]
)
def test_good_passwords_are_taken(password: str) -> None:
    passwords.ensure_acceptable(password, "mia", 10)


async def test_two_verifications_run_at_a_time_and_no_more() -> None:
    running, most, lock = 0, 0, threading.Lock()

    def work() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.02)
        with lock:
            running -= 1

    await asyncio.gather(*(passwords.in_slot(work) for _ in range(10)))
    assert most == 2


async def test_hashing_yields_to_whoever_asks_for_a_page() -> None:
    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    assert await passwords.in_slot(niceness) == min(19, niceness() + passwords.YIELDING)
