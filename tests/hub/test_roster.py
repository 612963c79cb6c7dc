"""A class list is read as teachers write them, and every line that cannot be used is named."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub import roster
from hub.roster import Entry
from spawner.errors import CarrelError, Code
from spawner.names import canonical


def _read(text: str) -> list[tuple[str, str]]:
    found = roster.read(text)
    assert found.problems == ()
    return [(entry.name, entry.full_name) for entry in found.entries]


@pytest.mark.parametrize(
    "text",
    [
        "ada, Ada Lovelace\nalan, Alan Turing",
        "ada;Ada Lovelace\r\nalan;Alan Turing\r\n",
        "ada\tAda Lovelace\n\n  \nalan\tAlan Turing\n",
        '"ADA","Ada Lovelace"\n"Alan","Alan Turing"',
        "name,full name\nada,Ada Lovelace\nalan,Alan Turing",
        "Full Name;Seat;User_Name\nAda Lovelace;x;ada\nAlan Turing;y;alan",
        "name,full name,link\nada,Ada Lovelace,https://x/hub/invitation#t\nalan,Alan Turing,",
    ],
)
def test_lists_as_people_write_them_are_the_same_list(text: str) -> None:
    assert _read(text) == [("ada", "Ada Lovelace"), ("alan", "Alan Turing")]


@pytest.mark.parametrize(
    "text",
    [
        "Last name,First name,Email\nLovelace,Ada,ada@example.org",
        "Username;First name;Last name\nada@example.org;Ada;Lovelace",
        "Nachname;Vorname;E-Mail\nLovelace;Ada;ada@example.org",
        "Ada Lovelace <ada@example.org>",
        '"Ada Lovelace" <ada@example.org>',
    ],
)
def test_lists_of_other_programs_keep_the_names(text: str) -> None:
    assert _read(text) == [("ada@example.org", "Ada Lovelace")]


def test_columns_that_are_passed_over_are_named() -> None:
    found = roster.read("name,full name,Seat,Group\nada,Ada,3,B")
    assert found.notes == ("These columns are passed over: Seat, Group.",)


def test_two_of_one_name_alone_may_be_two_people() -> None:
    ((number, message),) = _problems("Kim Example\nlea\nKim Example")
    assert number == 3 and "Two people need two user names" in message


def test_a_comma_within_a_name_is_no_separator_where_semicolons_separate() -> None:
    assert _read("ada;Lovelace, Ada\nalan;Turing, Alan") == [
        ("ada", "Lovelace, Ada"),
        ("alan", "Turing, Alan"),
    ]


@pytest.mark.parametrize(
    ("name", "user"),
    [
        ("Zoë Ångström", "zoe.angstrom"),
        ("Jörg Groß", "jorg.gross"),
        ("Łukasz O’Brien-Smith", "lukasz.o.brien.smith"),  # noqa: RUF001
        ("O'Brien", "o.brien"),
        ("Søren  Kierkegaard", "soren.kierkegaard"),
    ],
)
def test_a_name_alone_gets_a_user_name_proposed(name: str, user: str) -> None:
    assert _read(name) == [(user, " ".join(name.split()))]


def test_mail_addresses_are_user_names() -> None:
    assert _read("Ada@Example.org") == [("ada@example.org", "")]


def _problems(text: str) -> list[tuple[int, str]]:
    found = roster.read(text).problems
    return [(problem.line, problem.message) for problem in found]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("../root", "user name cannot be used"),
        ("<script>alert(1)</script>", "user name cannot be used"),
        ("x" * 200, "user name cannot be used"),
        ("x" * 5000, "user name cannot be used"),
        ("=cmd|' /C calc'!A0", "cannot be told apart"),
        ("ada | Ada Lovelace", "cannot be told apart"),
        (", Ada Lovelace", "no user name"),
        ("ada, Ada, Lovelace", "more than two columns"),
        ("ada,\u202eecalevoL", "cannot be shown"),
        ("ada," + "x" * 101, "too long"),
        ("\u0430da", "No user name can be made"),  # Cyrillic
    ],
)
def test_a_line_that_cannot_be_used_is_named_and_the_others_are_read(line: str, says: str) -> None:
    ((number, message),) = _problems(f"first\n{line}\nlast, Last One")
    assert number == 2
    assert says in message


def test_two_people_under_one_name_are_a_problem_of_the_second() -> None:
    ((number, message),) = _problems("Ada, Ada Lovelace\nbob\nＡＤＡ, Ada Byron")  # noqa: RUF001
    assert number == 3
    assert "line 1" in message


def test_a_line_twice_counts_once_and_is_told() -> None:
    found = roster.read("ada, Ada\nbob\nADA,Ada")
    assert [entry.name for entry in found.entries] == ["ada", "bob"]
    assert "1 line" in found.notes[0]


@pytest.mark.parametrize("text", ["", "\n \n\t\n", "name,full name\n"])
def test_a_list_of_nobody_is_refused(text: str) -> None:
    with pytest.raises(CarrelError) as caught:
        roster.read(text)
    assert caught.value.code is Code.BAD_INPUT
    assert "nobody" in caught.value.message


def test_a_list_of_ten_thousand_lines_is_refused_whole() -> None:
    with pytest.raises(CarrelError) as caught:
        roster.read("\n".join(f"user{i}" for i in range(10_000)))
    assert "10,000 lines" in caught.value.message
    assert "Split" in caught.value.hint


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_files_of_other_encodings_are_read(encoding: str) -> None:
    text, notes = roster.decode("zoë;Zoë Müller\n".encode(encoding))
    assert text == "zoë;Zoë Müller\n"
    assert bool(notes) is (encoding == "cp1252"), "a guess is told"


@pytest.mark.parametrize("raw", [b"PK\x03\x04\x00\x00", b"\x00\x01\x02", b"\xff\xfe\x00"])
def test_what_is_no_text_is_refused(raw: bytes) -> None:
    with pytest.raises(CarrelError) as caught:
        roster.decode(raw)
    assert "CSV" in caught.value.hint


def test_the_list_to_hand_out_holds_no_formula_and_can_come_back() -> None:
    rows = [(Entry(1, "ada", "=HYPERLINK(1)"), "https://x/#t"), (Entry(2, "bob", "Bob"), "l")]
    table = roster.as_csv(rows)
    cells = list(csv.reader(io.StringIO(table)))
    assert cells[1] == ["ada", "'=HYPERLINK(1)", "https://x/#t"]
    assert [name for name, _ in _read(table)] == ["ada", "bob"]


def test_only_the_new_are_planned() -> None:
    listed = roster.read("ada\nbob\ncy")
    plan = roster.plan(listed, {"bob": "has an account"})
    assert [entry.name for entry in plan.new] == ["ada", "cy"]
    assert [(entry.name, why) for entry, why in plan.there] == [("bob", "has an account")]


@given(st.text(max_size=300))
def test_whatever_is_pasted_is_read_or_refused_and_every_name_can_be_used(text: str) -> None:
    try:
        found = roster.read(text)
    except CarrelError:
        return
    names = [entry.name for entry in found.entries]
    assert len(set(names)) == len(names)
    assert all(canonical(name) == name for name in names)
    assert replace(found, notes=()) == replace(roster.read(text), notes=())
