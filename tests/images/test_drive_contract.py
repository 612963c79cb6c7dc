"""What a session reads of the sync of Drive is what the sync writes: two images, one language."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from enum import Enum

import pytest
from carrel_session import drive_report, drive_words
from drivesync import report
from drivesync.model import Why

AT = datetime(2026, 11, 24, 19, 5, tzinfo=UTC)


@pytest.mark.parametrize("name", ["State", "Pause"])
def test_the_words_are_the_same(name: str) -> None:
    here: type[Enum] = getattr(drive_report, name)
    there: type[Enum] = getattr(report, name)
    assert {word.value for word in here} == {word.value for word in there}


@pytest.mark.parametrize("name", ["Amount", "Conflict", "Unsynced"])
def test_the_parts_are_the_same(name: str) -> None:
    here, there = getattr(drive_report, name), getattr(report, name)
    assert [field.name for field in fields(here)] == [field.name for field in fields(there)]


def test_every_field_of_a_report_is_read() -> None:
    here = {field.name for field in fields(drive_report.Told)}
    assert {field.name for field in fields(report.Report)} <= here


def test_every_pause_and_every_reason_has_words() -> None:
    assert set(drive_words.PAUSES) == set(drive_report.Pause)
    assert set(drive_words.LEFT_ALONE) == {why.value for why in Why}
