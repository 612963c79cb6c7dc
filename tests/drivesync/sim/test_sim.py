"""Whatever happens: no byte is lost, both sides become equal, and then nothing is written."""

from __future__ import annotations

import pytest

from tests.drivesync.sim.play import STEPS_OF_ONE, play

STEPS = 5_000
AT_ONCE = 10


@pytest.mark.parametrize("begin", range(0, STEPS // STEPS_OF_ONE + 1, AT_ONCE))
def test_a_random_play_loses_nothing_and_ends_equal(begin: int) -> None:
    for seed in range(begin, begin + AT_ONCE):
        try:
            play(seed)
        except BaseException as error:
            error.add_note(f"seed {seed}: play({seed})")
            raise
