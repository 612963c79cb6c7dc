"""Admission: what the machine has is what is promised, and a no says what could be done."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from hub.admission import House, Refusal, decide
from spawner.confinement import GIB
from spawner.profiles import Catalog, Profile, Request

SMALL = Profile("small", "Small", "", "base", 1, GIB, GIB // 2)
BIG = Profile("big", "Big", "", "datascience", 2, 4 * GIB, 3 * GIB)
CATALOG = Catalog((SMALL, BIG), {"base": "b:1", "datascience": "d:1"})
EMPTY = House(CATALOG, {"b:1", "d:1"}, room_bytes=4 * GIB, running=())


def ask(profile: Profile, house: House) -> Refusal | None:
    return decide(Request("ada", profile), house)


def test_what_fits_may_start() -> None:
    assert ask(BIG, EMPTY) is None
    assert ask(SMALL, replace(EMPTY, running=("big", "small"))) is None


def test_what_does_not_fit_is_refused_with_what_would() -> None:
    assert ask(BIG, replace(EMPTY, running=("small", "small", "small"))) == Refusal(
        "The machine is full: its memory is promised to the 3 sessions that run now.",
        "Try again when somebody has stopped theirs, or start “Small”.",
    )


def test_a_full_machine_offers_nothing_else() -> None:
    assert ask(SMALL, replace(EMPTY, room_bytes=3 * GIB, running=("big",))) == Refusal(
        "The machine is full: its memory is promised to the one session that runs now.",
        "Try again when somebody has stopped theirs.",
    )


def test_a_machine_too_small_for_a_profile_says_so() -> None:
    assert ask(BIG, replace(EMPTY, room_bytes=2 * GIB)) == Refusal(
        "“Big” needs more memory than this machine has for sessions.",
        "Start “Small”, or ask your administrator.",
    )


def test_an_image_that_is_being_built_is_waited_for() -> None:
    assert ask(BIG, replace(EMPTY, ready_images={"b:1"})) == Refusal(
        "The image of “Big” is still being built.",
        "Try again in some minutes, or start “Small”.",
    )


def test_a_profile_that_was_taken_away_still_counts() -> None:
    assert ask(BIG, replace(EMPTY, running=("gone-from-settings",))) is not None


@given(st.lists(st.sampled_from([SMALL, BIG]), max_size=40), st.integers(0, 20 * GIB))
def test_guarantees_never_exceed_the_room(wishes: list[Profile], room_bytes: int) -> None:
    house = replace(EMPTY, room_bytes=room_bytes)
    for profile in wishes:
        if ask(profile, house) is None:
            house = replace(house, running=(*house.running, profile.slug))
    promised = sum(CATALOG.find(slug).guarantee_bytes for slug in house.running)
    assert promised <= room_bytes
