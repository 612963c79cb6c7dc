"""Hashes and checks passwords with argon2id."""

from __future__ import annotations

import asyncio
import base64
import os
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from spawner.errors import CarrelError, Code

MAX_BYTES = 1024
"""Longest password, in bytes of UTF-8 after normalisation."""
AT_ONCE = 2
"""Verifications at a time in one process: each takes about 150 ms of CPU and 64 MiB."""

LOST = "\ufffd"
"""What forms hold in the place of bytes that are no text."""

# RFC 9106, second recommended option (the one for memory-constrained machines): argon2id with
# 3 passes over 64 MiB in 4 lanes, salt of 16 bytes, tag of 32 bytes.
HASHER = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4, hash_len=32, salt_len=16)

YIELDING = 10
"""Niceness of the threads that hash: whoever asks for a page goes first."""


def _yield_to_others() -> None:
    # On Linux niceness is a thread's own, and the threads that argon2 starts inherit it.
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), YIELDING)


_slots = ThreadPoolExecutor(AT_ONCE, "argon2", initializer=_yield_to_others)
T = TypeVar("T")


async def in_slot(function: Callable[..., T], *args: Any) -> T:
    """``function(*args)`` in one of the AT_ONCE threads that may verify or hash."""
    return await asyncio.get_running_loop().run_in_executor(_slots, function, *args)


def ensure_acceptable(password: str, name: str, min_length: int) -> None:
    """Whether a new password may be taken; ``min_length`` in characters.

    Raises CarrelError(BAD_INPUT) that says what to change.
    """
    encoded = _encode(password)
    if encoded is None or any(c == LOST or unicodedata.category(c) == "Cc" for c in password):
        # Forms turn control characters into spaces, terminals do not: such a password would
        # work in one place and fail in the other.
        raise _refused("This password holds characters that cannot be typed.", "Use others.")
    if len(encoded) > MAX_BYTES:
        raise _refused("This password is too long.", f"Use at most {MAX_BYTES} bytes.")
    if len(password) < min_length:
        raise _refused(
            "This password is too short." if password else "The password is empty.",
            f"Use at least {min_length} characters; a few words are easy to remember.",
        )
    if password.casefold() == name.casefold() or len(set(password)) == 1 or _in_a_row(password):
        raise _refused(
            "This password is too easy to guess.",
            "It may not be the user name, one character over and over, or a row like 12345.",
        )


def _in_a_row(password: str) -> bool:
    """Neighbours in the alphabet, among the digits or on a keyboard's row, up or down."""
    rows = ("0123456789", "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "qwertzuiop", "asdfghjkl")
    text = password.casefold()
    # A row may be gone through more than once.
    return any(text in row * 9 or text in row[::-1] * 9 for row in rows)


def hash_password(password: str) -> str:
    """The argon2id hash of an acceptable password; slow on purpose, so not in a transaction."""
    encoded = _encode(password)
    assert encoded is not None, "ensure_acceptable comes first"
    return HASHER.hash(encoded)


def verify(password_hash: str | None, password: str) -> bool:
    """Whether the password is the right one; never raises for what somebody typed.

    With no hash (no such account, or one with no password) it takes as long and says False.
    """
    encoded = _encode(password)
    if encoded is None or len(encoded) > MAX_BYTES:
        password_hash, encoded = None, b""
    try:
        HASHER.verify(password_hash or _nobody(), encoded)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def _nobody() -> str:
    """A hash of no known password, with HASHER's parameters; made without hashing."""
    salt = base64.b64encode(bytes(HASHER.salt_len)).decode().rstrip("=")
    tag = base64.b64encode(bytes(HASHER.hash_len)).decode().rstrip("=")
    cost = f"m={HASHER.memory_cost},t={HASHER.time_cost},p={HASHER.parallelism}"
    return f"$argon2id$v=19${cost}${salt}${tag}"


def _encode(password: str) -> bytes | None:
    """UTF-8 of NFKC, so that another keyboard's way to write ``é`` is the same password.

    What is too long in any normal form is cut to something that still is: normalising takes time
    by the square, holds Python's lock meanwhile, and anybody may ask for it.
    """
    password = password[: 4 * MAX_BYTES]
    try:
        return unicodedata.normalize("NFKC", password).encode()
    except UnicodeEncodeError:  # half a surrogate pair: not text
        return None


def _refused(message: str, hint: str) -> CarrelError:
    return CarrelError(Code.BAD_INPUT, message, hint)
