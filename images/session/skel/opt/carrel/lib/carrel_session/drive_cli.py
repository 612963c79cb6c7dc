"""The command ``carrel-drive`` inside a session: how it stands with Drive, and a flush."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from carrel_session import drive_flush, drive_report, drive_words
from carrel_session.drive_flush import Flushed, Outcome
from carrel_session.drive_words import Said, Standing
from carrel_session.errors import SessionError
from carrel_session.progress_line import ProgressLine

DONE, FAILED, REFUSED = 0, 1, 2
_CODES = {
    Standing.NOT_CONNECTED: REFUSED, Standing.NOBODY: FAILED, Standing.PAUSED: FAILED,
    Standing.WORKING: DONE, Standing.IN_STEP: DONE,
}  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 is done, 1 failed, 2 refused."""
    options = _parser().parse_args(arguments)
    drive = Path(os.environ.get("CARREL_HOME") or "/content") / "drive"
    where = drive_words.page(os.environ)
    try:
        return options.run(drive, where, options)
    except SessionError as trouble:
        print(f"carrel-drive: {trouble}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("\nNo longer waiting. The sync goes on by itself.", file=sys.stderr)
        return FAILED
    except BrokenPipeError:
        # Whoever read had enough; the interpreter would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def _status(drive: Path, where: str, options: argparse.Namespace) -> int:
    now = datetime.now(UTC)
    told = drive_report.read(drive)
    said = drive_words.standing(drive, told, now, where)
    if options.json:
        _print_json(_facts(said) | {"report": told.raw if told else None})
        return _CODES[said.standing]
    print(said)
    if told and said.standing is not Standing.NOT_CONNECTED:
        if said.standing is Standing.PAUSED and (told.up.files or told.down.files):
            print(f"Still to go: up {drive_words.files(told.up.files)}, down {told.down.files:,}.")
        lists = (
            drive_words.conflicts(told),
            drive_words.unsynced(told.unsynced, told.unsynced_count),
            drive_words.skipped(told),
        )
        for line in (line for lines in lists for line in lines):
            print(line)
    return _CODES[said.standing]


def _flush(drive: Path, where: str, options: argparse.Namespace) -> int:
    said = drive_words.standing(drive, None, datetime.now(UTC), where)
    if said.standing is Standing.NOT_CONNECTED:
        if options.json:
            _print_json(_facts(said) | {"clean": False, "unsynced": []})
        else:
            print(f"carrel-drive: {said}", file=sys.stderr)
        return REFUSED
    line = ProgressLine(sys.stderr, sys.stderr.isatty())
    try:
        found = drive_flush.flush(drive, options.timeout, line.show)
    finally:
        line.clear()
    said = outcome(drive, found, where, options.timeout)
    if options.json:
        left = [asdict(one) for one in found.unsynced]
        _print_json(_facts(said) | {"clean": found.outcome is Outcome.CLEAN, "unsynced": left})
    else:
        print(said)
        print(*drive_words.unsynced(found.unsynced), sep="\n", end="\n" * bool(found.unsynced))
    return DONE if found.outcome is Outcome.CLEAN else FAILED


def outcome(drive: Path, found: Flushed, where: str, timeout_s: float) -> Said:
    """How a flush ended, in sentences."""
    now = datetime.now(UTC)
    stands = drive_words.standing(drive, found.told, now, where)
    if found.outcome is Outcome.CLEAN:
        count = drive_words.files(found.told.files if found.told else 0)
        return Said(stands.standing, f"Everything is in Google Drive: {count}.")
    if found.outcome is Outcome.NOBODY or stands.standing is Standing.PAUSED:
        return stands
    if found.outcome is Outcome.TIMED_OUT:
        return Said(
            stands.standing,
            f"Not everything is in Google Drive after {timeout_s:g} s. {stands.message}",
            "The sync goes on by itself; give --timeout more seconds to wait longer.",
        )
    return Said(stands.standing, "Not everything is in Google Drive.")


def _facts(said: Said) -> dict[str, Any]:
    return {
        "standing": said.standing.name.lower().replace("_", " "),
        "message": said.message, "hint": said.hint,
    }  # fmt: skip


def _print_json(value: dict[str, Any]) -> None:
    # Names of files are anybody's who shares a folder: none of them steers a terminal.
    text = json.dumps(value, indent=1, ensure_ascii=False)
    print("".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text))


def _seconds(text: str) -> float:
    found = float(text)
    if not math.isfinite(found) or found < 0:
        raise ValueError
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="carrel-drive", description="Google Drive in this session: /content/drive/MyDrive."
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    status = verbs.add_parser(
        "status",
        help="what is synced, and why not",
        description="Exit code 0: it syncs; 1: paused, or nothing syncs right now; 2: Drive is not "
        "connected.",
    )
    status.set_defaults(run=_status)
    flush = verbs.add_parser(
        "flush",
        help="wait until Drive has everything",
        description="Waits until everything is in Drive and names what is not. Exit code 0: it is; "
        "1: it is not, or not yet; 2: Drive is not connected.",
    )
    flush.set_defaults(run=_flush)
    flush.add_argument("--timeout", type=_seconds, default=120.0, metavar="SECONDS",
                       help="how long to wait (default: 120)")  # fmt: skip
    for verb in (status, flush):
        verb.add_argument("--json", action="store_true", help="for scripts")
    return parser


if __name__ == "__main__":
    sys.exit(main())
