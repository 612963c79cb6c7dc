"""Errors have their exit code; tables and JSON show what people wrote as text."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
import typer

from hub.cli import output
from hub.enums import Role
from spawner.errors import CarrelError, Code


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (Code.BAD_INPUT, 2),
        (Code.REFUSED, 2),
        (Code.NOT_FOUND, 2),
        (Code.CONFLICT, 2),
        (Code.UNAVAILABLE, 1),
        (Code.FAILED, 1),
    ],
)
def test_a_refusal_is_2_and_a_failure_is_1(capsys, code: Code, status: int) -> None:
    @output.verb
    def act() -> None:
        raise CarrelError(code, "It did not work.", "Do this.")

    with pytest.raises(typer.Exit) as caught:
        act()
    assert caught.value.exit_code == status
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "It did not work.\nDo this.\n")


def test_markup_and_control_codes_are_shown_as_text(capsys) -> None:
    output.table(("A", "B"), [("[red]x[/red]", None)], empty="none")
    assert "[red]x[/red]" in capsys.readouterr().out


def test_an_empty_table_is_a_sentence(capsys) -> None:
    output.table(("A",), [], empty="Nobody.")
    assert capsys.readouterr().out == "Nobody.\n"


def test_long_rows_stay_on_one_line_in_a_pipe(capsys) -> None:
    output.table(("A", "B"), [("x" * 100, "y" * 60)], empty="none")
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_json_holds_times_and_enums(capsys) -> None:
    output.as_json({"at": datetime(2026, 3, 1, tzinfo=UTC), "role": Role.ADMIN, "no": None})
    assert json.loads(capsys.readouterr().out) == {
        "at": "2026-03-01T00:00:00+00:00",
        "role": "admin",
        "no": None,
    }
