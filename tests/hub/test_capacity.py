"""How many sessions a machine holds, and how that is said."""

from __future__ import annotations

import pytest

from hub.capacity import held, room_bytes, sentence
from hub.knobs import Machine, ProfileSettings
from hub.settings import Settings
from spawner.confinement import GIB

SETTINGS = Settings.model_validate({"capacity": {"reserve_gib": 1}})  # small: 0.5 GiB guaranteed


@pytest.mark.parametrize(
    ("memory_gib", "count"), [(16, 30), (2, 2), (1.9, 1), (1.4, 0), (1, 0), (0.5, 0)]
)
def test_the_reserve_is_never_promised(memory_gib: float, count: int) -> None:
    assert held(int(memory_gib * GIB), SETTINGS) == count


def test_room_is_never_negative() -> None:
    assert room_bytes(GIB // 2, SETTINGS) == 0


def test_small_means_the_least_of_what_is_offered() -> None:
    settings = SETTINGS.model_copy(
        update={
            "machines": {
                "unused": Machine(memory_gib=0.25),
                "huge": Machine(memory_gib=8, guarantee_gib=5),
            },
            "profiles": (ProfileSettings(slug="h", title="H", image="base", machine="huge"),),
        }
    )
    assert held(16 * GIB, settings) == 3


@pytest.mark.parametrize(
    ("memory_gib", "words"),
    [(16, "holds about 30 small sessions"), (1.5, "holds about 1 small session"),
     (1, "holds about 0 small sessions")],
)  # fmt: skip
def test_it_is_said_in_words(memory_gib: float, words: str) -> None:
    assert sentence(int(memory_gib * GIB), SETTINGS) == words
