"""What users may ask for: exactly what is offered, however they ask."""

from __future__ import annotations

from typing import Any

import pytest

from spawner.confinement import GIB
from spawner.errors import CarrelError, Code
from spawner.profiles import Catalog, Profile, Request, profile_list

SMALL = Profile("small", "Small", "Light work.", "base", 1, GIB, GIB // 2)
BIG = Profile("big", "Big", "Heavy work.", "datascience", 2, 3 * GIB, 2 * GIB, default=True)
CATALOG = Catalog((SMALL, BIG), {"base": "carrel/base:1", "datascience": "carrel/ds:1"})


@pytest.mark.parametrize("options", [{}, None])
def test_nothing_asked_is_the_default(options: Any) -> None:
    assert Request.parse("ada", options, CATALOG) == Request("ada", BIG)


def test_without_a_marked_default_the_first_one_is_it() -> None:
    assert Catalog((SMALL,), {}).default is SMALL


@pytest.mark.parametrize("value", ["small", ["small"]])
def test_a_profile_is_named_as_the_api_or_as_a_form_does(value: Any) -> None:
    assert Request.parse("ada", {"profile": value}, CATALOG) == Request("ada", SMALL)


@pytest.mark.parametrize(
    "options",
    [
        {"profile": "huge"},
        {"profile": "Small"},
        {"profile": ["small", "big"]},
        {"profile": []},
        {"profile": None},
        {"profile": {"slug": "small"}},
        {"profile": 1},
        {"profile": "small", "image": "evil:1"},
        {"image": "evil:1"},
        {"mem_limit": "64G"},
        {1: 2},
        ["small"],
        "small",
        [],
        "",
        0,
        False,
        True,
        {"profile": "x" * 10_000},
    ],
)
def test_anything_else_is_refused_with_what_is_offered(options: Any) -> None:
    with pytest.raises(CarrelError) as refused:
        Request.parse("ada", options, CATALOG)
    assert refused.value.code is Code.BAD_INPUT
    assert "small, big" in refused.value.hint
    assert len(str(refused.value)) < 200


def test_the_list_has_kubespawners_shape() -> None:
    assert profile_list(CATALOG, {"carrel/ds:1"}) == [
        {
            "display_name": "Small",
            "slug": "small",
            "description": "Light work.",
            "default": False,
            "unavailable": "The image of “Small” is still being built.",
        },
        {"display_name": "Big", "slug": "big", "description": "Heavy work.", "default": True},
    ]


def test_an_image_of_the_sites_own_is_its_reference() -> None:
    own = Profile("own", "Own", "", "registry.example/own:3", 1, GIB, GIB)
    assert CATALOG.reference(own) == "registry.example/own:3"
    assert CATALOG.reference(SMALL) == "carrel/base:1"
