"""Measures one start at a time: from the request to a server that answers.

With ``--vs-stock`` also at a stock JupyterHub with DockerSpawner and the same session image:
alternating, and who is first changes with each round, so that what the machine does besides
slows both alike.
"""

from __future__ import annotations

import argparse
from statistics import median

from tests.bench import carrel
from tests.bench.arriving import Target, arrive, client, enrol, leave
from tests.bench.figures import Figure, Say

NAME = "starter"
MOST_RATIO = 1.05


async def measure(say: Say, options: argparse.Namespace) -> list[Figure]:
    """Raises SystemExit when what it needs cannot be brought up, or a start failed."""
    async with carrel.targets(say, [NAME], vs_stock=options.vs_stock) as targets:
        took: dict[str, list[float]] = {target.name: [] for target in targets}
        for target in targets:
            say(f"once at {target.name}, which does not count")
            await _start(target)
        for number in range(options.rounds):
            for target in targets if number % 2 == 0 else reversed(targets):
                seconds = await _start(target)
                took[target.name].append(seconds)
                say(f"round {number + 1}, {target.name}: {seconds:.2f} s")
    figures = [figure for name, times in took.items() for figure in _figures(name, times)]
    if options.vs_stock:
        ours, stock = (median(times) for times in took.values())
        figures.append(Figure("median, Carrel / stock", ours / stock, "", MOST_RATIO))
    return figures


def _figures(name: str, times: list[float]) -> list[Figure]:
    return [
        Figure(f"{name}: request to ready, median of {len(times)}", median(times), "s"),
        Figure(f"{name}: quickest", min(times), "s"),
        Figure(f"{name}: slowest", max(times), "s"),
    ]


async def _start(target: Target) -> float:
    async with client(target) as http:
        await enrol(http, target, NAME)
        seconds = await arrive(http, target, NAME)
        await leave(http, target, NAME)
    if seconds is None:
        raise SystemExit(f"{target.name} did not start a server")
    return seconds
