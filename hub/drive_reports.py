"""What a sidecar may tell, and how it stands (pure). It is a program of ours beside a student's
files: what it says is bounded and checked like anything from outside.

The words are those of ``drivesync.report``; what is not among them is left out.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.functional_validators import AfterValidator, BeforeValidator

from hub.drive_syncs import MOST_RESULT
from hub.enums import SyncPause, SyncState
from spawner.errors import CarrelError, Code

MOST_BODY = 64 * 1024
MOST_LISTED = 100
MOST_PATH = 4096
"""In characters."""
MOST_FILES = 2**40
MOST_SIZE = 2**60
STALE = timedelta(seconds=60)
"""A report that is older says how it was, not how it is."""


def _plain(text: Any) -> Any:
    """What no database could take is replaced: names of files need not be text."""
    if isinstance(text, str):
        return text.encode("utf-8", "replace").decode().replace("\0", "�")
    return text


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a time must be aware")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a time must be within the calendar") from error


Files = Annotated[int, Field(ge=0, le=MOST_FILES, strict=True)]
Size = Annotated[int, Field(ge=0, le=MOST_SIZE, strict=True)]
Path = Annotated[str, Field(max_length=MOST_PATH), BeforeValidator(_plain)]
Sentence = Annotated[str, Field(max_length=1000), BeforeValidator(_plain)]
Moment = Annotated[datetime, AfterValidator(_aware)]


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Amount(_Told):
    """Files, and their bytes."""

    files: Files = 0
    size_bytes: Size = 0


class Conflict(_Told):
    """Both versions were kept: this file, and the copy beside it."""

    path: Path
    copy_: Path = Field(alias="copy")
    at: Moment


class Unsynced(_Told):
    """A file, and why Drive does not have it as it is."""

    path: Path
    why: Sentence


class Report(_Told):
    """Of one moment."""

    state: SyncState
    pause: SyncPause | None = None
    pause_detail: Sentence = ""
    files: Files = 0
    up: Amount = Amount()
    down: Amount = Amount()
    up_total: Amount = Amount()
    down_total: Amount = Amount()
    conflicts: tuple[Conflict, ...] = Field((), max_length=MOST_LISTED)
    conflict_count: Files = 0
    unsynced: tuple[Unsynced, ...] = Field((), max_length=MOST_LISTED)
    unsynced_count: Files = 0
    skipped: tuple[Unsynced, ...] = Field((), max_length=MOST_LISTED)
    skipped_count: Files = 0
    looked: bool = True
    """Whether the disk was looked at; else what is told of it is what was known before."""
    last_success_at: Moment | None = None
    result: Annotated[str, Field(max_length=MOST_RESULT), BeforeValidator(_plain)] = ""

    @property
    def pending(self) -> bool:
        """Whether something is still to go either way."""
        return bool(self.up.files or self.down.files)


def parse(raw: bytes) -> Report:
    """Raises CarrelError(BAD_INPUT) for what is no report, without repeating what it holds."""
    if len(raw) > MOST_BODY:
        raise CarrelError(Code.BAD_INPUT, f"A report has at most {MOST_BODY} bytes.")
    try:
        return Report.model_validate(json.loads(raw))
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"][:1])
        raise CarrelError(Code.BAD_INPUT, f"This is no report: see {where or 'it'}.") from None
    except (ValueError, RecursionError):
        raise CarrelError(Code.BAD_INPUT, "This is no report: it is no JSON.") from None


def text(report: Report) -> str:
    """For the database."""
    return json.dumps(report.model_dump(mode="json", by_alias=True))


def read(text_: str) -> Report | None:
    """From the database; None where there is none, or an older Carrel wrote other words."""
    try:
        return Report.model_validate(json.loads(text_)) if text_ else None
    except (ValidationError, ValueError):
        return None


def stale(reported_at: datetime | None, now: datetime) -> bool:
    """Whether nothing was heard for so long that it says nothing of now."""
    return reported_at is None or now - reported_at > STALE


def for_json(report: Report) -> dict[str, Any]:
    return report.model_dump(mode="json", by_alias=True)
