"""Random plays of the Drive sync between two simulated sides, for as many steps as wanted."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.bench.figures import Figure, Say

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "images" / "drivesync"))


async def measure(say: Say, options: argparse.Namespace) -> list[Figure]:
    """A play that fails is told with its seed: ``--seed`` repeats it, ``--steps 1`` alone."""
    from tests.drivesync.sim.play import Tally, play

    tally, lost, unequal, seed = Tally(), 0, 0, options.seed
    while tally.steps < options.steps:
        try:
            play(seed, tally=tally)
        except AssertionError as error:
            lost, unequal = lost + str(error).startswith("lost"), unequal + 1
            say(f"seed {seed}: {str(error).strip()[:500]}")
        if tally.plays % 100 == 0:
            say(f"{tally.steps} steps, {tally.crashes} crashes, {lost} losses")
        seed += 1
    return [
        Figure("steps: edits, cycles with faults, upheavals", tally.steps, ""),
        Figure("crashes, each at a request or a call of the disk", tally.crashes, ""),
        Figure("plays with a byte string that is nowhere any more", lost, "", 0),
        Figure("plays that failed: lost, unequal, or never quiet", unequal, "", 0),
    ]
