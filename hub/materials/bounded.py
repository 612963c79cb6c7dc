"""Runs a program with an end to its time and its output."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spawner.errors import CarrelError, Code

MOST_ERRORS_BYTES = 64 * 1024
_PIECE = 64 * 1024


@dataclass(frozen=True)
class Bounds:
    """What a run may take: seconds, and bytes of its standard output."""

    time_s: float = 60
    output_bytes: int = 64 * 2**20


@dataclass(frozen=True)
class Done:
    """How a run ended. ``code`` is None where it was ended for want of time or room."""

    code: int | None
    output: bytes
    errors: str


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    stdin: bytes,
    bounds: Bounds,
    held: Sequence[int] = (),
) -> Done:
    """What it says until its end, or until one of its bounds. It keeps descriptors ``held`` open.

    Raises CarrelError(FAILED) when the program is not there.
    """
    # A file, so that neither side can wait for the other.
    with tempfile.TemporaryFile() as given:
        given.write(stdin)
        given.seek(0)
        try:
            process = subprocess.Popen(
                command, stdin=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                env=dict(environment), cwd="/", umask=0o022, start_new_session=True,
                pass_fds=tuple(held),
            )  # fmt: skip
        except OSError as error:
            raise CarrelError(
                Code.FAILED,
                f"{command[0]} cannot be started on the server.",
                "Tell your administrator: ./carrel doctor says more.",
            ) from error
        with process:
            try:
                whole, output, errors = _read(process, bounds)
                if whole:
                    whole = _ended(process, bounds.time_s)
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)  # its helpers with it
    return Done(process.returncode if whole else None, output, errors.decode(errors="replace"))


def _ended(process: subprocess.Popen[bytes], within_s: float) -> bool:
    try:
        process.wait(within_s)
    except subprocess.TimeoutExpired:
        return False
    return True


def _read(process: subprocess.Popen[bytes], bounds: Bounds) -> tuple[bool, bytes, bytes]:
    """Whether it came to its end; its output; its errors."""
    assert process.stdout and process.stderr
    until = time.monotonic() + bounds.time_s
    kept: dict[int, bytearray] = {process.stdout.fileno(): bytearray(),
                                  process.stderr.fileno(): bytearray()}  # fmt: skip
    output, errors = kept.values()
    with selectors.DefaultSelector() as waiting:
        for stream in (process.stdout, process.stderr):
            waiting.register(stream, selectors.EVENT_READ)
        while waiting.get_map():
            left = until - time.monotonic()
            ready = waiting.select(left) if left > 0 else []
            if not ready and left <= 0:
                return False, bytes(output), bytes(errors)
            for key, _ in ready:
                piece = key.fileobj.read1(_PIECE)  # type: ignore[union-attr]
                if not piece:
                    waiting.unregister(key.fileobj)
                kept[key.fd] += piece
            if len(output) > bounds.output_bytes:
                return False, bytes(output[: bounds.output_bytes]), bytes(errors)
            del errors[MOST_ERRORS_BYTES:]
    return True, bytes(output), bytes(errors)
