"""Admission: what waiting cannot mend is refused, and a no says what could be done."""

from __future__ import annotations

from dataclasses import replace

from hub.admission import Offer, Refusal, decide
from spawner.confinement import GIB
from spawner.profiles import Catalog, Profile, Request

SMALL = Profile("small", "Small", "", "base", 1, GIB, GIB // 2)
BIG = Profile("big", "Big", "", "datascience", 2, 4 * GIB, 3 * GIB)
CATALOG = Catalog((SMALL, BIG), {"base": "b:1", "datascience": "d:1"})
ALL = Offer(CATALOG, {"b:1", "d:1"}, room_bytes=4 * GIB)


def ask(profile: Profile, offer: Offer) -> Refusal | None:
    return decide(Request("ada", profile), offer)


def test_what_the_machine_can_hold_may_wait_for_its_turn() -> None:
    assert ask(BIG, ALL) is None
    assert ask(SMALL, replace(ALL, room_bytes=GIB // 2)) is None


def test_a_machine_too_small_for_a_profile_says_so() -> None:
    assert ask(BIG, replace(ALL, room_bytes=2 * GIB)) == Refusal(
        "“Big” needs more memory than this machine has for sessions.",
        "Start “Small”, or ask your administrator.",
    )
    assert ask(SMALL, replace(ALL, room_bytes=0)) == Refusal(
        "“Small” needs more memory than this machine has for sessions.",
        "Ask your administrator.",
    )


def test_an_image_that_is_being_built_is_waited_for_elsewhere() -> None:
    assert ask(BIG, replace(ALL, ready_images={"b:1"})) == Refusal(
        "The image of “Big” is still being built.",
        "Try again in some minutes, or start “Small”.",
    )
