"""What a course may be called: look-alikes, markup, paths and endless texts are no names."""

from __future__ import annotations

import time

import pytest

from hub import course_names
from spawner.errors import CarrelError, Code


@pytest.mark.parametrize(
    ("raw", "slug"),
    [
        ("data-science", "data-science"),
        ("  Data-Science ", "data-science"),
        ("\uff24\uff21\uff34\uff21\uff11", "data1"),
        ("a1", "a1"),
        ("a" * 40, "a" * 40),
    ],
)  # fmt: skip
def test_spellings_of_one_slug_become_the_same(raw: str, slug: str) -> None:
    assert course_names.slug(raw) == slug


@pytest.mark.parametrize(
    "raw",
    [
        "", "a", "1a", "-ab", "ab-", "a--b", "a_b", "a.b", "a b", "../x", "..", "a/b", "a\\b",
        "a\nb", "ab\n\nc", "a\0b", "<b>x</b>", "a%2fb", "d\u0430ta", "d\u0131ta", "data\u200b", "é",
        "a" * 41, "a" * 10_000, "new", "API", "courses", "github", "\uff4a\uff4f\uff49\uff4e",
    ],
)  # fmt: skip
def test_what_is_no_slug_is_refused_with_a_hint(raw: str) -> None:
    with pytest.raises(CarrelError) as caught:
        course_names.slug(raw)
    assert caught.value.code is Code.BAD_INPUT and caught.value.hint
    assert "<b>" not in str(caught.value)


def test_a_text_whose_normal_form_takes_minutes_takes_no_time() -> None:
    began = time.monotonic()
    for refuses in (course_names.slug, course_names.title, course_names.description):
        with pytest.raises(CarrelError):
            refuses("a" + "\u0315\u0300" * 500_000)
    assert course_names.proposed("a" + "\u0315\u0300" * 500_000) == "a"
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("one", "other"),
    [("line-1", "linei"), ("b0ok", "book"), ("modern", "modem"), ("stat-5", "stats")],
)
def test_slugs_that_look_alike_share_a_skeleton(one: str, other: str) -> None:
    assert course_names.skeleton(one) == course_names.skeleton(other)


def test_slugs_that_differ_do_not() -> None:
    names = ["data-science", "data-structures", "calculus-1", "calculus-2", "calculus-3", "algebra"]
    assert len({course_names.skeleton(name) for name in names}) == len(names)


@pytest.mark.parametrize("raw", ["", "  ", "\u200d", "a\u202eb", "a\0b", "x" * 101, "x" * 10_000])
def test_titles_are_one_line_that_can_be_shown(raw: str) -> None:
    with pytest.raises(CarrelError) as caught:
        course_names.title(raw)
    assert "title" in caught.value.message and caught.value.hint


def test_a_title_is_kept_as_text() -> None:
    assert course_names.title(" Data\nScience  <b>1</b> ") == "Data Science <b>1</b>"


def test_descriptions_have_lines_and_an_end() -> None:
    assert course_names.description(" a\r\nb\rc \n") == "a\nb\nc"
    for raw in ("x" * 2001, "a\0b", "a\u202eb", "\ufffd"):
        with pytest.raises(CarrelError):
            course_names.description(raw)


def test_codes_are_read_however_they_are_typed_and_guessed_by_nobody() -> None:
    codes = {course_names.new_code() for _ in range(200)}
    assert len(codes) == 200 and all(len(code) == 8 for code in codes)
    shown = course_names.shown_code("ABCDEFGH")
    assert shown == "ABCD-EFGH"
    for typed in (shown, " abcd efgh ", "abcdefgh"):
        assert course_names.same_code("ABCDEFGH", typed)
    for typed in ("", "ABCD", "ABCDEFGHI", "é" * 8, "x" * 10_000, "ABCDEFG\0"):
        assert not course_names.same_code("ABCDEFGH", typed)


@pytest.mark.parametrize(
    ("title", "slug"),
    [("Data Science 1", "data-science-1"), ("Équations", "equations"), ("1984", ""), ("数学", "")],
)
def test_a_slug_is_proposed_for_a_title(title: str, slug: str) -> None:
    assert course_names.proposed(title) == slug
