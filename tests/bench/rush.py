"""Measures a class that arrives at once: N people press Start in the same moment.

A Carrel of its own on this machine's engine, brought up by ``./carrel up`` and taken down again;
with ``--vs-stock`` also a stock JupyterHub with DockerSpawner that runs the same session image,
in turn. Each waits until everybody's server answers, failed, or ten minutes are over.
"""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import dataclass

from tests.bench import carrel, memory
from tests.bench.arriving import Target, arrive, client, enrol, leave
from tests.bench.figures import Figure, Say, percentile

LAST_WITHIN_S, PROMISED_FOR = 60.0, 30
"""What is promised, and for how many users at most."""


@dataclass(frozen=True)
class Rush:
    """What came of one; times in seconds since everybody pressed Start."""

    ready: list[float]
    failed: int


@dataclass(frozen=True)
class Outcome:
    """What came of all rushes at one target."""

    name: str
    rushes: list[Rush]

    @property
    def median(self) -> float:
        """0 where nobody arrived."""
        return percentile([moment for rush in self.rushes for moment in rush.ready] or [0.0], 0.5)

    @property
    def last(self) -> float:
        return max((max(rush.ready, default=0.0) for rush in self.rushes), default=0.0)


async def measure(say: Say, options: argparse.Namespace) -> list[Figure]:
    """Raises SystemExit when what it needs cannot be brought up."""
    names = [f"rush{number:03}" for number in range(options.users)]
    async with carrel.targets(say, names, vs_stock=options.vs_stock) as targets:
        outcomes = [Outcome(target.name, []) for target in targets]
        async with memory.Watch(memory.of_containers(targets[0].containers)) as watch:
            for number in range(options.rounds):
                for target, outcome in zip(targets, outcomes, strict=True):
                    say(f"round {number + 1}: {len(names)} arrive at {target.name}")
                    outcome.rushes.append(await _rush(target, names))
        held = watch.figures()
    figures = [f for outcome in outcomes for f in _figures(outcome, options.users)]
    return figures + _ratios(outcomes) + held


def _figures(outcome: Outcome, users: int) -> list[Figure]:
    rushes, name, ours = outcome.rushes, outcome.name, outcome.name == "Carrel"
    promised = ours and users <= PROMISED_FOR
    return [
        Figure(f"{name}: ready of {users}, fewest in a round", min(len(r.ready) for r in rushes),
               ""),
        Figure(f"{name}: failed, most in a round", max(r.failed for r in rushes), "",
               0.0 if ours else None),
        Figure(f"{name}: median time to ready", outcome.median, "s"),
        Figure(f"{name}: last ready after", outcome.last, "s", LAST_WITHIN_S if promised else None),
    ]  # fmt: skip


def _ratios(outcomes: list[Outcome]) -> list[Figure]:
    if len(outcomes) != 2 or not all(outcome.median for outcome in outcomes):
        return []
    ours, stock = outcomes
    return [
        Figure("median, Carrel / stock (of those that were ready)", ours.median / stock.median, ""),
        Figure("last, Carrel / stock (of those that were ready)", ours.last / stock.last, ""),
    ]


async def _rush(target: Target, names: list[str]) -> Rush:
    async with client(target) as http:
        for name in names:
            await enrol(http, target, name)
        outcomes = await asyncio.gather(*(arrive(http, target, name) for name in names))
        await asyncio.gather(*(leave(http, target, name) for name in names))
    return Rush([o for o in outcomes if o is not None], outcomes.count(None))
