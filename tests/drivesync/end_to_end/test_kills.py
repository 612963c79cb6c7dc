"""Killed at any moment while both sides are worked on, the sidecar loses nothing.

The oracle: every byte string that either side has durably written, and that its own user has not
replaced or deleted since, is found on disk, in Drive, in a conflict copy, a trash or a revision.
"""

from __future__ import annotations

import os
import random
import threading
import time

import pytest

from tests.drivesync.end_to_end.stage import AT_HOME, Drive, Sidecar, digest
from tests.drivesync.process.conftest import until

SEED = int(os.environ.get("CARREL_TEST_SEED", "20261124"))
NAMES = [f"{folder}{name}.txt" for folder in ("", "A/", "B/", "A/C/") for name in "xyz"]


class Work:
    """Both users' work, by seed; each step of it is durable before the next begins."""

    def __init__(self, sidecar: Sidecar, drive: Drive, seed: int) -> None:
        self._sidecar, self._drive = sidecar, drive
        self._random = random.Random(seed)
        self._over = threading.Event()
        self._count = 0
        self.must_be: dict[str, str] = {}
        self.fault: BaseException | None = None
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Work:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        if self.fault:
            raise self.fault

    def _run(self) -> None:
        try:
            while not self._over.wait(self._random.uniform(0.01, 0.12)):
                self.step()
        except BaseException as fault:
            self.fault = fault

    def step(self) -> None:
        self._sidecar.opens()  # none: what is open would stay as it is here
        path = self._random.choice(NAMES)
        self._count += 1
        size = self._random.choice([10, 200, 20_000])
        data = f"{self._count} {path} ".encode() * (size // 10)
        act = self._random.choice(
            [self._write_here, self._write_here, self._write_there, self._write_there,
             self._delete_here, self._trash_there, self._rename_here]
        )  # fmt: skip
        act(path, data)

    def _write_here(self, path: str, data: bytes) -> None:
        old = self._sidecar.read(path)
        if (self._sidecar.home / path).is_dir():
            return
        self._sidecar.write(path, b"here " + data)
        self._note(b"here " + data, f"{self._count}: written here at {path}")
        self._forget(old, path)

    def _write_there(self, path: str, data: bytes) -> None:
        found = self._drive.find(path)
        if found is not None and found.file.folder:
            return
        self._drive.write(path, b"there " + data)
        self._note(b"there " + data, f"{self._count}: written there at {path}")

    def _delete_here(self, path: str, _: bytes) -> None:
        old = self._sidecar.read(path)
        if old is not None:
            (self._sidecar.home / path).unlink(missing_ok=True)
            self._forget(old, path)

    def _trash_there(self, path: str, _: bytes) -> None:
        found = self._drive.find(path)
        if found is not None:
            self._drive.store.trash(AT_HOME, found.id)

    def _rename_here(self, path: str, _: bytes) -> None:
        file = self._sidecar.home / path
        if file.is_file():
            try:
                file.rename(file.with_name(f"renamed {self._count} {file.name}"))
            except FileNotFoundError:
                return  # the sidecar was quicker

    def _note(self, data: bytes, what: str) -> None:
        self.must_be[digest(data)] = what

    def _forget(self, old: bytes | None, path: str) -> None:
        """Its own user replaced it, maybe before anybody else could have seen it."""
        if old is not None and old.startswith(b"here "):
            self.must_be.pop(digest(old), None)


def converged(sidecar: Sidecar, drive: Drive) -> bool:
    sidecar.opens()
    status = sidecar.status()
    return status.get("state") == "idle" and sidecar.files() == drive.files()


@pytest.mark.parametrize("kills", [10, pytest.param(50, marks=pytest.mark.soak)])
def test_kills_at_random_moments_lose_nothing(sidecar: Sidecar, drive: Drive, kills: int) -> None:
    moments = random.Random(SEED)
    for name in NAMES:
        drive.write(name, f"there at first {name}".encode())
    sidecar.start()
    until(lambda: converged(sidecar, drive), 20)
    with Work(sidecar, drive, SEED) as work:
        for _ in range(kills):
            time.sleep(moments.uniform(0.3, 1.6))
            sidecar.kill()
            sidecar.start()
        time.sleep(1)
    until(lambda: converged(sidecar, drive), 40)
    found = sidecar.everything() | drive.everything()
    lost = [what for key, what in work.must_be.items() if key not in found]
    assert lost == []
    assert len(work.must_be) > 30, "there was something to lose"
    writes = drive.writes()
    time.sleep(1)
    assert drive.writes() == writes, "once both are equal, nothing is written any more"
    assert sidecar.end() == 0
