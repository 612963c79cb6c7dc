"""``./carrel bench NAME``: measures, and prints a table or JSON; never part of the tests.

A number is a measurement: the output names the machine, and every figure its limit where the
project promises one.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.bench.figures import Figure, machine  # noqa: E402


def main() -> int:
    options = _options()
    # Ended in whatever way, a bench takes down what it brought up.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    bench = importlib.import_module(f"tests.bench.{options.module}")
    figures: list[Figure] = asyncio.run(bench.measure(_say, options))
    if options.json:
        told = [{**asdict(figure), "kept": figure.kept} for figure in figures]
        print(json.dumps({"machine": machine(), "figures": told}, indent=1))
    else:
        print(f"{options.name}, on {machine()}")
        for figure in figures:
            print(f"  {figure}")
    return 0 if all(figure.kept for figure in figures) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="carrel bench", description=__doc__)
    benches = parser.add_subparsers(dest="name", required=True, metavar="NAME")
    for name, (module, what, fill) in BENCHES.items():
        one = benches.add_parser(name, help=what, description=what)
        one.set_defaults(module=module)
        one.add_argument("--json", action="store_true", help="for scripts")
        fill(one)
    return parser.parse_args()


def _start(parser: argparse.ArgumentParser) -> None:
    _vs_stock(parser)
    parser.add_argument("--rounds", type=int, default=10, help="how many starts of each")


def _rush(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--users", type=int, default=30, help="how many arrive at once")
    _vs_stock(parser)
    parser.add_argument("--rounds", type=int, default=1, help="how often")


def _hub(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sessions", type=int, default=1000, help="how many run")
    parser.add_argument("--waiting", type=int, default=200, help="how many wait in the queue")
    parser.add_argument("--seconds", type=int, default=120, help="how long it is watched at rest")


def _courses(parser: argparse.ArgumentParser) -> None:
    what = "how many open a link at once; 0: only publishing, which needs no engine"
    parser.add_argument("--students", type=int, default=60, help=what)


def _class(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--users", type=int, default=30, help="how many arrive at once")
    parser.add_argument("--pictures", type=Path, help="a folder for pictures of the pages")


def _drive(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--files", type=int, default=1000, help="of 1 KB, up and down, by each")
    add("--many", type=int, default=10_000, help="files in step, for edits and renames")
    add("--edits", type=int, default=40, help="each way")
    add("--big-mb", type=int, default=1000, help="size of the one big file")
    add("--delay-ms", type=int, default=50, help="before each answer of the emulated Drive")
    add(
        "--quick",
        action="store_true",
        help="small sizes, about two minutes: promises mean little then",
    )


def _drive_sim(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--steps", type=int, default=100_000, help="how many, over all plays")
    parser.add_argument("--seed", type=int, default=0, help="of the first play; the next are +1")


def _vs_stock(parser: argparse.ArgumentParser) -> None:
    what = "the same against a stock JupyterHub with DockerSpawner, alternating"
    parser.add_argument("--vs-stock", action="store_true", help=what)


def _plain(_parser: argparse.ArgumentParser) -> None:
    pass


BENCHES: dict[str, tuple[str, str, Callable[[argparse.ArgumentParser], None]]] = {
    "class": ("class_", "A class in real browsers: logs in, presses Start, arrives.", _class),
    "courses": (
        "courses",
        "Publishing 500 notebooks of 100 MB; links that a class opens.",
        _courses,
    ),
    "drive": (
        "drive",
        "Google Drive's sync beside a loop of pydrive2, its file system and rclone, emulated.",
        _drive,
    ),
    "drive-sim": ("drive_sim", "The Drive sync under random faults: bytes lost.", _drive_sim),
    "hub": ("hub", "A hub with many sessions, simulated: pages, API, work at rest.", _hub),
    "people": ("people", "A class list of 1,000, 5,000 people, 200 logins at once.", _plain),
    "rush": ("rush", "A class that presses Start in the same moment.", _rush),
    "start": ("start", "One start at a time, from the request to a ready server.", _start),
}


def _say(text: str) -> None:
    print(f"  … {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
