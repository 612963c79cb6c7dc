"""Titles of Drive's as names on disk: each title has one name, and keeps it."""

from __future__ import annotations

import pytest
from drivesync.titles import beside, free_name, name_of, renders, title_of


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Essay.txt", "Essay.txt"),
        ("a/b", "a\N{FRACTION SLASH}b"),
        (".", "\N{FULLWIDTH FULL STOP}"),
        ("..", "\N{FULLWIDTH FULL STOP}" * 2),
        ("", "Untitled"),
        ("two\nlines\x00\x7f", "two␊lines␀␡"),
        ("a\u202egpj.exe", "a⟨202E⟩gpj.exe"),
        ("\x9b\u061c\u200e\u200f\u2066\u2069", "⟨009B⟩⟨061C⟩⟨200E⟩⟨200F⟩⟨2066⟩⟨2069⟩"),
        ("e\u0301", "e\u0301"),
        ("\u00e9", "\u00e9"),
    ],
)
def test_a_title_has_a_name(title, name) -> None:
    assert name_of(title, "id") == name


def test_a_long_title_is_shortened_before_its_ending_and_told_apart_by_its_id() -> None:
    names = {name_of("ü" * 200 + ".ipynb", id_) for id_ in ("1", "2")}
    assert len(names) == 2
    assert all(len(name.encode()) <= 255 and name.endswith(".ipynb") for name in names)


def test_a_link_has_its_ending_within_the_limit() -> None:
    assert name_of("n" * 300, "1", ".gdoc").endswith(".gdoc")
    assert len(name_of("n" * 300, "1", ".gdoc").encode()) <= 255


def test_a_name_becomes_a_title_in_nfc_without_the_ending_of_a_link() -> None:
    assert title_of("e\u0301.txt") == "\u00e9.txt"
    assert title_of("Essay.gdoc", ".gdoc") == "Essay"
    assert title_of(".gdoc", ".gdoc") == ".gdoc"


def test_the_same_title_is_numbered() -> None:
    assert free_name("a.tar.gz", {"a.tar.gz", "a (2).tar.gz"}) == "a (3).tar.gz"
    assert len(free_name("n" * 255, {"n" * 255}).encode()) <= 255


def test_a_numbered_name_still_renders_its_title() -> None:
    assert renders("a (2).txt", "a.txt") and renders("e\u0301", "\u00e9")
    assert not renders("a (x).txt", "a.txt") and not renders("b.txt", "a.txt")


def test_a_copy_is_named_before_the_ending() -> None:
    assert beside("a.ipynb", "from Drive", set()) == "a (from Drive).ipynb"
    taken = {"a (from Drive).ipynb"}
    assert beside("a.ipynb", "from Drive", taken) == "a (from Drive) (2).ipynb"
    assert len(beside("n" * 255, "from Drive", set()).encode()) <= 255
