"""Says what the sync of Drive told, in sentences: what is, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto
from pathlib import Path

from carrel_session.drive_report import Amount, Conflict, Pause, State, Told, Unsynced

SHOWN = 10
"""Entries of a list in a text; ``--json`` has them all."""

PAUSES: dict[Pause, tuple[str, str]] = {
    Pause.RECONNECT: (
        "Google no longer accepts the connection.",
        "Press Reconnect on {page}. Your files here are safe, and go up then.",
    ),
    Pause.OFFLINE: ("Google Drive does not answer.", "It goes on by itself."),
    Pause.BUSY: ("Google Drive asks for fewer requests.", "It goes on by itself, more slowly."),
    Pause.UNMOUNTED: (
        "The folder drive is not the one that was synced.",
        "Put back MyDrive and .carrel if you moved them; else stop the session and start it. "
        "Nothing is deleted in Drive meanwhile.",
    ),
    Pause.MASS_DELETE: (
        "Very much was deleted at once.",
        "Say on {page} whether that was meant. Until then nothing goes up or down.",
    ),
    Pause.REMOTE_FULL: (
        "Your Google Drive is full.",
        "Make room there (its trash counts too). Your files here are safe, and go up then.",
    ),
    Pause.LOCAL_FULL: (
        "There is no room for more of your Drive here.",
        "Delete what you no longer need, or choose fewer folders on {page}.",
    ),
    Pause.NO_FOLDERS: ("No folders are chosen yet.", "Choose some on {page}."),
}
LEFT_ALONE = {
    "ignored": "Programs leave files of such names behind.",
    "symlink": "A link to another place.",
    "special": "No file: a pipe, a socket, a device, another disk.",
    "name": "Its name is not UTF-8; rename it.",
    "too deep": "More than 100 folders within each other.",
    "too many": "More than 100,000 files and folders.",
    "unreadable": "It cannot be read.",
}
"""The words that a reason may be told in, for people."""
WAITED_FOR = (Pause.OFFLINE, Pause.BUSY)
"""The pauses that end by themselves."""


class Standing(Enum):
    """How it stands with Drive in this session."""

    NOT_CONNECTED = auto()
    NOBODY = auto()
    """Connected, but nothing syncs right now."""
    PAUSED = auto()
    WORKING = auto()
    IN_STEP = auto()


@dataclass(frozen=True)
class Said:
    """``message`` says what is, ``hint`` what to do; either may name the page."""

    standing: Standing
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


def page(environment: Mapping[str, str]) -> str:
    """What people call the page on which Drive is connected, with its address where it is known."""
    hub = environment.get("JUPYTERHUB_PUBLIC_HUB_URL", "").rstrip("/")
    if not hub:
        return "the page Drive (File → Hub Control Panel)"
    return f"the page Drive, {hub.removesuffix('/hub')}/services/carrel/drive"


def standing(drive: Path, told: Told | None, now: datetime, where: str) -> Said:
    """``told`` is what was read of ``drive``, ``where`` the words for the page."""
    if not (drive / "MyDrive").is_dir() and not (drive / ".carrel").is_dir():
        return Said(
            Standing.NOT_CONNECTED,
            "Google Drive is not connected to this session.",
            f"Connect it and choose folders on {where}, then stop the session and start it: "
            f"your files are then in {drive}/MyDrive.",
        )
    if told is None or not told.is_fresh(now):
        return Said(Standing.NOBODY, *_nobody(told, where))
    if told.state is State.PAUSED:
        message, hint = paused(told, where)
        return Said(Standing.PAUSED, f"The sync is paused. {message}", hint)
    if told.state is not State.IDLE:
        return Said(Standing.WORKING, under_way(told))
    since = f", last at {clock(told.last_success_at)}" if told.last_success_at else ""
    return Said(Standing.IN_STEP, f"In step with Google Drive: {files(told.files)}{since}.")


def paused(told: Told, where: str) -> tuple[str, str]:
    """What holds it up, and what to do; what it told itself is more exact than ours."""
    if told.pause is None:
        return told.pause_detail or "It does not say why.", f"Look at {where}."
    message, hint = PAUSES[told.pause]
    hint = hint.format(page=where)
    if not told.pause_detail:
        return message, hint
    return told.pause_detail, hint if "{page}" in PAUSES[told.pause][1] else ""


def _nobody(told: Told | None, where: str) -> tuple[str, str]:
    safe = "What you write is safe here, and goes up when it runs again."
    if told is None:
        return (
            "Nothing syncs right now: the sync has not started yet.",
            f"It starts some seconds after the session; if it does not, look at {where}. {safe}",
        )
    then = clock(told.at)
    if told.state is State.ENDED:
        result = f" ({told.result})" if told.result else ""
        return (
            f"Nothing syncs right now: the sync ended at {then}{result}.",
            f"A session starts it again; why it ended is on {where}. {safe}",
        )
    if told.state is State.PAUSED:
        message, hint = paused(told, where)
        return (
            f"Nothing syncs right now: nothing was heard of the sync since {then}. It was paused "
            f"then. {message}",
            f"{hint} {safe}".strip(),
        )
    return (
        f"Nothing syncs right now: nothing was heard of the sync since {then}.",
        f"It is started again by itself; if that takes minutes, look at {where}. {safe}",
    )


def under_way(told: Told) -> str:
    """The progress line."""
    if told.state is State.STARTING:
        return "The sync is starting: it looks at what is here and in Drive."
    ways = [
        _way(name, left, total)
        for name, left, total in (
            ("up", told.up, told.up_total),
            ("down", told.down, told.down_total),
        )
        if left.files or left.size_bytes
    ]
    return f"Syncing: {'; '.join(ways)}." if ways else "Syncing: looking for changes."


def _way(name: str, left: Amount, total: Amount) -> str:
    if total.files < left.files or total.size_bytes < left.size_bytes:
        return f"{name} {files(left.files)} to go ({size(left.size_bytes)})"
    done = total.size_bytes - left.size_bytes
    return (
        f"{name} {total.files - left.files:,} of {files(total.files)}, "
        f"{size(done)} of {size(total.size_bytes)}"
    )


def conflicts(told: Told) -> list[str]:
    """Lines; none where there is nothing to tell."""

    def one(found: Conflict) -> str:
        when = f" ({clock(found.at)})" if found.at else ""
        return f"{found.path} → {found.copy}{when}"

    count = max(told.conflict_count, len(told.conflicts))
    return _list(
        f"Conflict copies: {count:,}. Both versions were kept; delete the one that is too many:",
        told.conflicts, count, one,
    )  # fmt: skip


def unsynced(found: Sequence[Unsynced], count: int = 0) -> list[str]:
    count = max(count, len(found))
    title = f"Not in Drive as here: {files(count)}, safe on this side:"
    return _list(title, found, count, _why)


def skipped(told: Told) -> list[str]:
    count = max(told.skipped_count, len(told.skipped))
    return _list(f"Left alone by rule: {count:,}:", told.skipped, count, _why)


def _why(found: Unsynced) -> str:
    why = LEFT_ALONE.get(found.why, found.why)
    return f"{found.path}: {why}" if found.path else why


def _list(title: str, found: Sequence, count: int, one: Callable[..., str]) -> list[str]:
    if not count:
        return []
    more = count - min(len(found), SHOWN)
    lines = [title, *(f"  {one(entry)}" for entry in found[:SHOWN])]
    return [*lines, f"  … and {more:,} more"] if more else lines


def clock(at: datetime) -> str:
    """As on the pages, in UTC: ``2026-03-01 12:00 UTC``."""
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(' ', 'minutes')} UTC"


def files(count: int) -> str:
    return "1 file" if count == 1 else f"{count:,} files"


def size(size_bytes: int) -> str:
    value, unit = float(size_bytes), "B"
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
