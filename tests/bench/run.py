"""``./carrel bench NAME``: measures, and prints a table or JSON; never part of the tests.

A number is a measurement: the output names the machine, and every figure its limit where the
project promises one.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BENCHES = {
    "courses": "tests.bench.courses",
    "people": "tests.bench.people",
    "rush": "tests.bench.rush",
}


@dataclass(frozen=True)
class Figure:
    """One measured value; ``limit`` is the most that is promised, None where nothing is."""

    what: str
    value: float
    unit: str
    limit: float | None = None

    @property
    def kept(self) -> bool:
        return self.limit is None or self.value <= self.limit


def percentile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1))]


def machine() -> str:
    """What it was measured on, in a line."""
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return f"{cores} cores, {memory:.0f} GiB, Python {sys.version.split()[0]}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="carrel bench", description=__doc__)
    parser.add_argument("name", choices=sorted(BENCHES))
    parser.add_argument("--json", action="store_true", help="for scripts")
    parser.add_argument("--users", type=int, default=30, help="rush: how many arrive at once")
    parser.add_argument(
        "--vs-stock",
        action="store_true",
        help="rush: the same against a stock JupyterHub with DockerSpawner, alternating",
    )
    parser.add_argument("--rounds", type=int, default=1, help="rush: how often")
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    bench = importlib.import_module(BENCHES[options.name])
    figures: list[Figure] = asyncio.run(bench.measure(_say, options))
    if options.json:
        print(json.dumps({"machine": machine(), "figures": [asdict(f) for f in figures]}, indent=1))
    else:
        print(f"{options.name}, on {machine()}")
        for figure in figures:
            limit = "" if figure.limit is None else f"  (promised: at most {figure.limit:g})"
            mark = "" if figure.kept else "  NOT KEPT"
            print(f"  {figure.what:<58} {figure.value:>9.3f} {figure.unit}{limit}{mark}")
    return 0 if all(figure.kept for figure in figures) else 1


def _say(text: str) -> None:
    print(f"  … {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.modules["tests.bench.run"] = sys.modules["__main__"]
    sys.exit(main())
