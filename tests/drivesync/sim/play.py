"""A random play: edits on both sides, cycles with faults and crashes in between; then peace."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta

from drivesync.model import Kind, Path
from drivesync.options import Options

from tests.drivesync.sim.remote import ROOT
from tests.drivesync.sim.rig import ALL, Rig
from tests.drivesync.sim.world import Chances

TITLES = ("a.txt", "b.ipynb", "c", "d.csv", "A.txt", "x/y", "e\u0301", "\u00e9", "..", "n" * 300)
NAMES = (*TITLES[:5], "e\u0301", "\u00e9")
MOST_FILES = 24
STEPS_OF_ONE = 60
"""After so many steps the faults stop, and all must be equal; then another play begins."""


@dataclass
class Tally:
    steps: int = 0
    plays: int = 0
    crashes: int = 0
    cycles: int = 0


def play(seed: int, steps: int = STEPS_OF_ONE, tally: Tally | None = None) -> None:
    """Raises AssertionError when a byte is lost, or the sides do not become equal."""
    one = Play(seed)
    one.run(steps, tally or Tally())


class Play:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.rig = Rig(seed)
        self.world = self.rig.world
        self.world.meddle = self.meddle
        self._count = 0
        self._handles: list = []
        kind = self.random
        self.chances = Chances(
            crash=kind.choice((0, 0.01, 0.04)),
            lost=kind.choice((0, 0.02, 0.1)),
            busy=kind.choice((0, 0, 0.05)),
            meddle=kind.choice((0, 0.05, 0.2)),
            stale=kind.choice((0, 0, 0.2)),
            full=kind.choice((0, 0, 0.1)),
            refused=kind.choice((0, 0, 0.2)),
        )

    def run(self, steps: int, tally: Tally) -> None:
        for _ in range(self.random.randrange(6)):
            self.meddle()
        for _ in range(steps):
            tally.steps += 1
            if self.random.random() < 0.35:
                self.world.chances = self.chances
                self.rig.cycle()
                tally.cycles += 1
                self.world.chances = Chances()
            elif self.random.random() < 0.03:
                self.upheaval()
            else:
                self.meddle()
        self.world.jump(timedelta(days=2))
        self.rig.open = frozenset()
        self.rig.choose(ALL)
        try:
            self.rig.cycle()
            self.world.jump(timedelta(minutes=11))  # each folder is listed once more
            self.rig.settle()
        finally:
            tally.plays += 1
            tally.crashes += self.world.crashes

    def upheaval(self) -> None:
        what = self.random.choice(
            ("clock", "back", "cursor", "open", "unknown", "state", "day", "some", "all")
        )
        match what:
            case "some":
                nodes = self.rig.remote.nodes.values()
                folders = [node.id for node in nodes if node.kind is Kind.FOLDER]
                few = self.random.sample(folders, min(2, len(folders)))
                self.rig.choose(Options(frozenset(few)))
            case "all":
                self.rig.choose(ALL)
            case "clock":
                self.world.jump(timedelta(minutes=self.random.randrange(60)))
            case "day":
                self.world.jump(timedelta(days=2))
            case "back":
                self.world.jump(timedelta(minutes=-self.random.randrange(30)))
            case "cursor":
                self.rig.remote.reject_cursor = True
            case "open":
                self._open()
            case "unknown":
                self.rig.open = None
            case "state":
                self.rig.lose_state()

    def _open(self) -> None:
        """Also in the middle of a cycle."""
        files = [p for p, node in self.rig.local.tree.items() if not node.folder]
        self.rig.open = frozenset(self.random.sample(files, min(2, len(files))))

    def meddle(self) -> None:
        """One thing that a user, or a program of theirs, does on either side."""
        if self.random.random() < 0.05:
            self._open()
        (self._here if self.random.random() < 0.5 else self._there)()

    def _bytes(self) -> bytes:
        self._count += 1
        return f"{self._count}".encode()

    def _here(self) -> None:
        local, pick = self.rig.local, self.random
        files = [p for p, node in local.tree.items() if not node.folder]
        folders = [p for p, node in local.tree.items() if node.folder]
        place = pick.choice([(), *folders])
        new: Path = (*place, pick.choice(NAMES))
        what = pick.choice(
            ("new", "new", "edit", "edit", "folder", "move", "move", "remove", "late")
        )
        if what == "new" and new not in local.tree and len(local.tree) < MOST_FILES:
            data = self._bytes()
            local.write(new, data)
            if pick.random() < 0.1:
                self._twin(new, data)
        elif what == "edit" and files:
            path = pick.choice(files)
            self._unwritten(path)
            self._handles.append(local.tree[path])
            local.write(path, self._bytes(), replace=pick.random() < 0.5)
        elif what == "folder" and new not in local.tree and len(local.tree) < MOST_FILES:
            local.folder(new)
        elif what == "move" and local.tree:
            old = pick.choice(list(local.tree))
            if new not in local.tree and new[: len(old)] != old:
                local.rename(old, new)
        elif what == "remove" and local.tree and pick.random() < 0.6:
            old = pick.choice(list(local.tree))
            for path in [p for p in files if p[: len(old)] == old]:
                self._unwritten(path)
            local.remove(old)
        elif what == "late" and self._handles:
            self._write_late(self._handles.pop())

    def _write_late(self, node) -> None:
        """By a program that still holds the file, wherever it is by now."""
        local = self.rig.local
        if any(one is node for one in local.tree.values()) or any(
            one is node for _, one, _ in local.trashed
        ):
            self._unwritten_data(node.data)
            local.write_into(node, self._bytes())

    def _unwritten(self, path: Path) -> None:
        self._unwritten_data(self.rig.local.tree[path].data)

    def _unwritten_data(self, data: bytes) -> None:
        """What a user overwrites or removes themselves, before anybody else has it."""
        holders = sum(node.data == data for node in self.rig.local.tree.values())
        kept = any(kept == data for _, _, kept in self.rig.local.trashed)
        if holders < 2 and not kept and data not in self.rig.remote.holds():
            self.world.written.discard(data)

    def _twin(self, path: Path, data: bytes) -> None:
        if len(path) == 1:
            self.rig.remote.put(path[0], data)

    def _there(self) -> None:
        remote, pick = self.rig.remote, self.random
        alive = [n for n in remote.nodes.values() if not remote.is_trashed(n)]
        folders = [n.id for n in alive if n.kind is Kind.FOLDER]
        files = [n.id for n in alive if n.kind is Kind.FILE]
        place = pick.choice([ROOT, *folders])
        what = pick.choice(
            ("new", "new", "edit", "edit", "folder", "move", "move", "trash", "back")
        )
        if what == "new" and len(alive) < MOST_FILES:
            remote.put(pick.choice(TITLES), self._bytes(), place)
        elif what == "edit" and files:
            remote.edit(pick.choice(files), self._bytes())
        elif what == "folder" and len(alive) < MOST_FILES:
            remote.put(pick.choice(TITLES), None, place)
        elif what == "move" and alive:
            id_ = pick.choice(alive).id
            title = pick.choice(TITLES) if pick.random() < 0.5 else None
            if not remote.within(place, id_):
                remote.rename(id_, title, place)
        elif what == "trash" and alive and pick.random() < 0.6:
            remote.throw(pick.choice(alive).id)
        elif what == "back":
            gone = [n.id for n in remote.nodes.values() if n.trashed]
            if gone and pick.random() < 0.3:
                remote.throw(pick.choice(gone), trashed=False)
