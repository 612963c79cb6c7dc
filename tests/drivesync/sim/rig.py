"""An engine between the two simulated sides, which can crash and come back."""

from __future__ import annotations

import random
import sqlite3
import unicodedata
from dataclasses import replace
from datetime import timedelta

from drivesync.engine import Engine, Outcome
from drivesync.model import Kind, Path
from drivesync.options import OpenDocuments, Options
from drivesync.report import Pause
from drivesync.state import State
from drivesync.titles import name_of, split

from tests.drivesync.sim.local import SimLocal
from tests.drivesync.sim.remote import SimRemote
from tests.drivesync.sim.world import Chances, Crash, InAnyOrder, World

ALL = Options(everything=True)


class Rig:
    def __init__(self, seed: int = 0, options: Options = ALL) -> None:
        self.world = World(random.Random(seed))
        self.remote, self.local = SimRemote(self.world), SimLocal(self.world)
        self.local.opened = lambda: self.open
        self._base = sqlite3.connect(":memory:", isolation_level=None)
        self._base.execute("PRAGMA synchronous = OFF")
        self.options = options
        self.open: OpenDocuments = frozenset()
        self.start()

    def start(self) -> None:
        self.state = State(self._base)
        order = InAnyOrder(self.world.random)
        self.engine = Engine(self.remote, self.local, self.state, self.options, order)

    def choose(self, options: Options) -> None:
        self.options = options
        self.engine.choose(options)

    def cycle(self) -> Outcome | None:
        """None: it crashed, and a new engine stands on what was committed."""
        self.world.jump(timedelta(seconds=5))
        try:
            return self.engine.cycle(self.world.now(), lambda: self.open)
        except Crash:
            if self._base.in_transaction:
                self._base.execute("ROLLBACK")
            self.start()
            return None

    def connect(self, remote: SimRemote) -> None:
        """Another account."""
        self.remote = remote
        self.start()

    def lose_state(self) -> None:
        self._base = sqlite3.connect(":memory:", isolation_level=None)
        self.start()

    def settle(self, cycles: int = 25) -> Outcome:
        """Without any more faults, until both sides are equal; then once more, which is one
        request."""
        self.world.chances = Chances()
        for _ in range(cycles):
            outcome = self.cycle()
            assert outcome is not None
            if outcome.pause is Pause.MASS_DELETE:
                self.choose(replace(self.options, confirmed_deletion_at=self.world.now()))
            elif outcome.clean and not outcome.done:
                break
        else:
            raise AssertionError(f"no end: {outcome} {self.engine.report()}")
        self.require_equal()
        self.require_quiet()
        self.require_all_bytes()
        return outcome

    def require_quiet(self) -> None:
        before = self.world.requests
        outcome = self.cycle()
        assert outcome is not None and outcome.clean and not outcome.done, outcome
        assert self.world.requests == before + 1, self.world.calls[-10:]

    def require_all_bytes(self) -> None:
        lost = self.world.written - self.local.holds() - self.remote.holds()
        assert not lost, f"lost: {sorted(lost)[:5]}"

    def require_equal(self) -> None:
        here = sorted((_plain(path), node.folder, node.data) for path, node in self.on_disk())
        there = sorted((_plain(path), data is None, data or b"") for path, data in self.in_drive())
        assert here == there, f"\nhere only  {_less(here, there)}\nthere only {_less(there, here)}"

    def on_disk(self):
        return [(p, n) for p, n in self.local.tree.items() if not self.local._is_skipped(p)]

    def in_drive(self) -> list[tuple[Path, bytes | None]]:
        found = []
        for node in self.remote.nodes.values():
            if not self.remote.is_trashed(node):
                path, one = (), node
                while True:
                    path = (name_of(one.title, one.id), *path)
                    if one.parent == self.remote.root:
                        break
                    one = self.remote.nodes[one.parent]
                found.append((path, None if node.kind is Kind.FOLDER else node.data))
        return found

    def here(self) -> dict[str, bytes | None]:
        """What is on disk, by path."""
        return {
            "/".join(p): None if n.folder else n.data for p, n in sorted(self.local.tree.items())
        }

    def there(self) -> dict[str, bytes | None]:
        found = sorted(self.in_drive(), key=lambda one: one[0])
        return {"/".join(path): data for path, data in found}

    def id_of(self, title: str) -> str:
        (found,) = (n.id for n in self.remote.nodes.values() if n.title == title and not n.trashed)
        return found


def _plain(path: Path) -> tuple[str, ...]:
    """Without the numbers that tell those of the same title apart."""
    plain = []
    for name in path:
        stem, ending = split("n" * 300 if name.startswith("nnn") else name)
        while stem.endswith(")") and stem[:-1].rpartition(" (")[2].isdigit():
            stem = stem[:-1].rpartition(" (")[0]
        plain.append(unicodedata.normalize("NFC", stem + ending))
    return tuple(plain)


def _less(some: list, others: list) -> list:
    rest = list(others)
    return [one for one in some if one not in rest or rest.remove(one)]
