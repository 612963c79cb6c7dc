"""Something has changed: told soon, once it is quiet, and never instead of a scan."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from drivesync import hints as module
from drivesync.hints import Hints

from tests.drivesync.local.conftest import Place

SETTLE_S = 0.05


@pytest.fixture
def hints(here: Place) -> Iterator[Hints]:
    (here.top / "a" / "b").mkdir(parents=True)
    (here.top / "a" / "file").write_text("")
    hints = Hints(here.disk.root(), SETTLE_S)
    yield hints
    hints.close()


def test_every_kind_of_change_is_told(here: Place, hints: Hints) -> None:
    assert hints.complete
    assert not hints.wait(0.1)
    below = here.top / "a" / "b"
    for act in (
        lambda: (below / "new").write_text("text"),
        lambda: (below / "new").rename(below / "newer"),
        lambda: (below / "newer").rename(here.top / "newer"),
        (here.top / "newer").unlink,
        (below / "folder").mkdir,
        (below / "folder").rmdir,
        lambda: (here.top / "a" / "file").write_text("more"),
    ):
        act()
        assert hints.wait(2)
        assert not hints.wait(2 * SETTLE_S)


def test_a_new_folder_is_watched_with_what_was_in_it_already(here: Place, hints: Hints) -> None:
    (here.top / "x" / "y" / "z").mkdir(parents=True)
    assert hints.wait(2)
    while hints.wait(2 * SETTLE_S):
        pass
    (here.top / "x" / "y" / "z" / "file").write_text("")
    assert hints.wait(2)


def test_a_folder_that_was_moved_here_is_watched(here: Place, hints: Hints) -> None:
    (here.base / "moved" / "in").mkdir(parents=True)
    (here.base / "moved").rename(here.top / "moved")
    assert hints.wait(2)
    (here.top / "moved" / "in" / "file").write_text("")
    assert hints.wait(2)


def test_what_is_never_synced_is_no_hint(here: Place, hints: Hints) -> None:
    (here.top / "a" / "draft.tmp").write_text("")
    (here.top / "a" / ".~notes.ipynb").write_text("")
    (here.drive / ".carrel" / "status.json").write_text("")
    (here.drive / ".carrel" / "open").write_text("")
    (here.drive / "beside").write_text("")
    assert not hints.wait(0.2)


def test_a_request_to_flush_is_a_hint(here: Place, hints: Hints) -> None:
    (here.drive / ".carrel" / "new").write_text("{}")
    (here.drive / ".carrel" / "new").rename(here.drive / ".carrel" / "flush")
    assert hints.wait(2)


def test_many_changes_are_one_hint(here: Place, hints: Hints) -> None:
    for at in range(100):
        (here.top / "a" / f"f{at}").write_text("")
    assert hints.wait(2)
    assert not hints.wait(2 * SETTLE_S)


def test_a_busy_disk_does_not_put_it_off_for_ever(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_SETTLE_S", 0.3)
    hints = Hints(here.disk.root(), settle_s=5)
    stop = threading.Event()

    def write() -> None:
        while not stop.wait(0.02):
            (here.top / "file").write_text("more")

    writer = threading.Thread(target=write)
    writer.start()
    began = time.monotonic()
    assert hints.wait(5)
    assert time.monotonic() - began < 3
    stop.set()
    writer.join()
    hints.close()


def test_another_thread_wakes_it_at_once(hints: Hints) -> None:
    threading.Timer(0.05, hints.wake).start()
    began = time.monotonic()
    assert hints.wait(10)
    assert time.monotonic() - began < 2
    hints.wake()
    hints.wake()
    assert hints.wait(0)
    assert not hints.wait(0)


def test_lost_events_are_a_hint_and_everything_is_watched_anew(here: Place, hints: Hints) -> None:
    most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    names = [here.top / "a" / "b" / name for name in ("x", "y")]
    for at in range(most + 200):
        fd = os.open(names[at % 2], os.O_CREAT | os.O_WRONLY)
        os.close(fd)
    (here.top / "a" / "unseen").mkdir()  # its event is lost
    assert hints.wait(2)
    while hints.wait(2 * SETTLE_S):
        pass
    assert hints.complete
    (here.top / "a" / "unseen" / "file").write_text("")
    assert hints.wait(2)


def test_without_watches_it_says_so_and_waits_for_the_timer(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here.top / "a").mkdir()

    class Full:
        def inotify_init1(self, flags: int) -> int:
            return real.inotify_init1(flags)

        def inotify_add_watch(self, *arguments: object) -> int:
            return -1

    real = module._libc
    monkeypatch.setattr(module, "_libc", Full())
    hints = Hints(here.disk.root(), SETTLE_S)
    assert not hints.complete
    (here.top / "a" / "file").write_text("")
    assert not hints.wait(0.1)
    monkeypatch.undo()
    monkeypatch.setattr(module, "_AGAIN_S", 0.0)
    assert not hints.wait(0.01)
    assert hints.complete  # others have ended meanwhile
    hints.close()


def test_without_inotify_it_can_still_be_woken(
    here: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Nothing:
        def inotify_init1(self, flags: int) -> int:
            return -1

    monkeypatch.setattr(module, "_libc", Nothing())
    hints = Hints(here.disk.root(), SETTLE_S)
    assert not hints.complete
    assert not hints.wait(0.01)
    hints.wake()
    assert hints.wait(1)
    hints.close()


def test_another_mydrive_in_its_place_is_watched(here: Place, hints: Hints) -> None:
    here.top.rename(here.drive / "old")
    here.top.mkdir()
    assert hints.wait(2)
    while hints.wait(2 * SETTLE_S):
        pass
    (here.top / "file").write_text("")
    assert hints.wait(2)


def test_no_symlink_leads_a_watch_outside(here: Place) -> None:
    outside = here.base / "outside"
    outside.mkdir()
    (here.top / "link").symlink_to(outside)
    hints = Hints(here.disk.root(), SETTLE_S)
    (outside / "file").write_text("")
    assert not hints.wait(0.1)
    hints.close()
