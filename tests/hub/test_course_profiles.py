"""The profile that a course proposes: which may be chosen, and who is told of it."""

from __future__ import annotations

import pytest

from hub import accounts, course_profiles, courses, members
from hub.accounts import NewAccount
from hub.audit import COMMAND_LINE, By
from hub.course_profiles import Opening
from hub.courses import Wish
from hub.enums import Role
from hub.powers import Actor
from hub.store import Store
from spawner.errors import CarrelError, Code
from tests.hub.conftest import NOW

OFFERED = ("small", "big")


def test_what_the_site_offers_can_be_chosen_and_its_own() -> None:
    assert [course_profiles.checked(raw, OFFERED) for raw in ("big", " small ", "")] == [
        "big", "small", "",
    ]  # fmt: skip


@pytest.mark.parametrize("raw", ["gpu", "BIG", "<b>", "x" * 10_000, "a\0b", "../small"])
def test_all_else_is_refused_with_what_is_offered(raw: str) -> None:
    with pytest.raises(CarrelError) as caught:
        course_profiles.checked(raw, OFFERED)
    assert caught.value.code is Code.BAD_INPUT and "small, big" in caught.value.hint
    assert len(caught.value.message) < 100 and "\0" not in caught.value.message


@pytest.mark.parametrize(
    ("next_url", "slug"),
    [
        ("/hub/open/course/ds-24", "ds-24"),
        ("/hub/open/course/ds-24/week%201/%C3%9C.ipynb", "ds-24"),
        ("/hub/open/course/ds-24?x=1", "ds-24"),
        ("/hub/open/github/o/r/blob/main/a.ipynb", ""),
        ("/hub/open?path=open/course/ds-24", ""),
        ("/other/open/course/ds-24", ""), ("", ""), ("http://[", ""),
    ],
)  # fmt: skip
def test_a_start_knows_which_course_it_goes_on_to(next_url: str, slug: str) -> None:
    assert course_profiles.slug_in(next_url, "/hub/") == slug


def test_only_who_is_in_a_course_is_told_of_it(store: Store) -> None:
    tess = Actor("tess", Role.TEACHER)
    for name, role in (("tess", Role.TEACHER), ("mia", Role.STUDENT), ("ada", Role.STUDENT)):
        store.decide(accounts.create, NewAccount(name, role), By(COMMAND_LINE, NOW))
    store.decide(courses.make, tess, "ds-24", Wish("Data", profile="big"), By("tess", NOW))
    store.decide(members.join, Actor("mia", Role.STUDENT), "ds-24", "", By("mia", NOW))
    assert store.read(course_profiles.opening, "mia", "DS-24") == Opening("Data", "big")
    for name, slug in (("ada", "ds-24"), ("mia", "nothing"), ("mia", "../x"), ("nobody", "ds-24")):
        assert store.read(course_profiles.opening, name, slug) is None
