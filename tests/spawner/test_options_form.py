"""What the start page offers, and what its form sends."""

from __future__ import annotations

from spawner.confinement import GIB
from spawner.options_form import Lack, Offer, decide, options_of
from spawner.profiles import Catalog, Profile

SMALL = Profile("small", "Small", "Light work.", "base", 0.5, GIB // 2, GIB // 4)
BIG = Profile("big", "Big", "Long work.", "datascience", 2, 3 * GIB, 2 * GIB, default=True)
CATALOG = Catalog((SMALL, BIG), {"base": "carrel/base:1", "datascience": "carrel/ds:1"})
ALL = {"carrel/base:1", "carrel/ds:1"}


def test_an_offer_says_in_numbers_what_a_session_gets() -> None:
    offers = decide(CATALOG, ALL, BIG)
    assert offers.first == Offer("big", "Big", "Long work.", 2, 3.0)
    assert offers.others == (Offer("small", "Small", "Light work.", 0.5, 0.5),)


def test_the_first_is_one_that_can_start() -> None:
    offers = decide(CATALOG, {"carrel/base:1"}, BIG)
    assert offers.first and offers.first.slug == "small"
    assert offers.others == (Offer("big", "Big", "Long work.", 2, 3.0, Lack.IMAGE),)


def test_while_no_image_is_there_all_are_shown_and_none_starts() -> None:
    offers = decide(CATALOG, set(), SMALL)
    assert offers.first is None
    assert [offer.lacks for offer in offers.others] == [Lack.IMAGE, Lack.IMAGE]


def test_where_to_go_afterwards_is_no_option() -> None:
    form = {"profile": ["big"], "_xsrf": ["x"], "next": ["/hub/open"]}
    assert options_of(form) == {"profile": ["big"]}


def test_what_is_proposed_comes_before_what_was_started_last_where_it_can_start() -> None:
    offers = decide(CATALOG, ALL, BIG, SMALL)
    assert offers.first and offers.first.slug == "small"
    assert [offer.slug for offer in offers.others] == ["big"]
    offers = decide(CATALOG, {"carrel/base:1"}, SMALL, BIG)
    assert offers.first and offers.first.slug == "small"
    assert offers.others == (Offer("big", "Big", "Long work.", 2, 3.0, Lack.IMAGE),)
