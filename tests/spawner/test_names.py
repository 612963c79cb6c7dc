"""Names of people: one spelling each, and no two names in one folder."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spawner.errors import CarrelError, Code
from spawner.names import USER_NAME, canonical, escape, unescape

names = st.from_regex(USER_NAME, fullmatch=True).filter(lambda name: ".." not in name)


@pytest.mark.parametrize(
    ("raw", "name"),
    [("Ada", "ada"), (" ada ", "ada"), ("\uff41da", "ada"), ("ADA@uni.example", "ada@uni.example")],
)
def test_twins_become_the_same_name(raw: str, name: str) -> None:
    assert canonical(raw) == name


@pytest.mark.parametrize(
    "raw",
    ["", " ", "a" * 65, "../x", "a..b", ".a", "a/b", "a\nb", "a b", "\u0430da", "d\u0131n",
     "<b>", "a\0", "_a", "😀"],
)  # fmt: skip
def test_what_could_look_like_another_or_leave_its_folder_is_refused(raw: str) -> None:
    with pytest.raises(CarrelError) as refused:
        canonical(raw)
    assert refused.value.code is Code.BAD_INPUT
    assert raw.strip() == "" or raw not in refused.value.message


@given(names, names)
def test_no_two_names_share_a_folder(one: str, other: str) -> None:
    assert (escape(one) == escape(other)) == (one == other)


@given(names)
def test_a_folder_name_is_safe_everywhere(name: str) -> None:
    folder = escape(name)
    assert set(folder) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_")
    assert len(folder) <= 192
    assert canonical(name) == name


@given(names)
def test_a_folder_name_tells_whose_it_is(name: str) -> None:
    assert unescape(escape(name)) == name


@pytest.mark.parametrize(
    "part", ["", "A", "a.b", "_61", "a_", "a_2", "a_2E", "a_2e_2e", "../x", ".a"]
)
def test_a_folder_that_is_no_users_is_told(part: str) -> None:
    with pytest.raises(CarrelError):
        unescape(part)
