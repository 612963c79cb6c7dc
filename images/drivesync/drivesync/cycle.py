"""One cycle: looks at both sides, then plans and acts in rounds until there is nothing to do."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from drivesync import telling
from drivesync.actions import Effect, Sides, act
from drivesync.arrivals import were_here
from drivesync.deletions import Deletions
from drivesync.executor import Executor
from drivesync.faults import Fault, Gone, LocalOpen, Lost, NotAllowed
from drivesync.former import follow
from drivesync.listing import ROOT
from drivesync.looking import EMAIL, Looking
from drivesync.model import Path
from drivesync.ops import (
    Bring,
    Create,
    Deliver,
    FolderThere,
    MoveThere,
    Op,
    Step,
    TrashHere,
    TrashThere,
    Update,
    key,
)
from drivesync.options import AskOpen, Options
from drivesync.planner import Plan, plan
from drivesync.progress import Progress
from drivesync.record import Record
from drivesync.refusals import Refusal
from drivesync.report import Pause
from drivesync.returns import forget_old
from drivesync.sides import Local, Remote
from drivesync.state import State
from drivesync.trees import Disk, Reserved
from drivesync.troubles import Troubles
from drivesync.view import Now, Trees, View

MOST_ROUNDS = 500
"""More than any tree is deep; a plan that never ends is a defect, and ends here."""
COMMIT_EVERY = 64
EVER_EQUAL, WERE_HERE = "ever equal", "were here"
UNEXPORTABLE = "unexportable"


@dataclass(frozen=True)
class Tools:
    remote: Remote
    local: Local
    state: State
    executor: Executor
    progress: Progress
    stopped: threading.Event
    refusals: dict[str, Refusal]


class Cycle:
    """What it came to is in its attributes once ``run`` has returned."""

    def __init__(
        self,
        tools: Tools,
        looking: Looking,
        options: Options,
        ask_open: AskOpen,
        now: datetime,
    ) -> None:
        self._tools, self._looking, self._options = tools, looking, options
        self._ask_open, self._now = ask_open, now
        self._troubles = Troubles()
        self._disk = Disk()
        self._deletions = Deletions(tools.state, now, options.confirmed_deletion_at)
        self.done = 0
        self.clean = False
        self.detail = ""

    @property
    def pause(self) -> Pause | None:
        return self._troubles.pause

    @property
    def again(self) -> bool:
        return self._troubles.again

    def run(self) -> None:
        self._tools.local.require_mounted()
        self._looking.whose(self._now, self._tools.executor)
        self._looking.at_drive(self._now, self._options)
        self._disk = self._looking.at_the_disk(self._now, self._tools.executor)
        self._forget_left()
        follow(self._tools.state, self._disk)
        forget_old(self._tools.state, self._now)
        files = sum(not one.folder for one in self._tools.state.synced.values())
        self._deletions.synced = files
        if WERE_HERE not in self._tools.state.meta:
            self._tools.state.meta[WERE_HERE] = "yes" if were_here(self._view()) else "no"
        polled = False
        for _ in range(MOST_ROUNDS):
            view = self._view()
            if self._looking.listing.unlisted(view.scoped):
                self._looking.at_drive(self._now, self._options)
                view = self._view()
            made = plan(view)
            self._tell(made)
            if self._is_too_much(made):
                return
            ops = [op for op in made.ops if self._troubles.allows(op)]
            if self._options.only_up:
                ops = [op for op in ops if not isinstance(op, Bring | Deliver)]
            step = min((op.step for op in ops), default=None)
            if step is None or self._troubles.ended or self._tools.stopped.is_set():
                self._finish(made)
                return
            if step is Step.TRASH and not polled:
                polled = True
                self._tools.local.require_mounted()
                if self._looking.listing.poll():
                    continue
            self._do([op for op in ops if op.step is step], view)
        self._troubles.again = True

    def _view(self) -> View:
        state = self._tools.state
        trees = Trees(
            state.remote,
            dict(state.listed),
            state.synced,
            self._disk,
            state.reserved,
            state.left,
            state.former,
            state.meta[ROOT],
            state.meta.get(EMAIL, ""),
            state.thrown,
        )
        unexportable = set(state.meta.get(UNEXPORTABLE, "").split())
        first = EVER_EQUAL not in state.meta
        now, refused = self._now, self._tools.refusals
        lost = state.meta.get(WERE_HERE) == "yes"
        asked = Now(now, self._options, self._ask_open(), unexportable, first, lost, refused)
        return View(trees, asked)

    def _do(self, ops: list[Op], view: View) -> None:
        record = Record(self._tools.state, self._disk, view, self._now)
        if ops[0].step is Step.REMEMBER:
            for op in ops:
                record.write(op, Effect())
            self._tools.state.commit()
            return
        self._announce(ops)
        sides = Sides(
            self._tools.remote,
            self._tools.local,
            self._reserved,
            view.shape,
            self._require_closed(view),
            self._tools.progress.up,
            self._down,
        )
        # Moves here depend on each other: one at a time, each planned anew.
        ops = ops[:1] if ops[0].step is Step.MOVE_HERE else ops
        jobs = [self._job(op, sides) for op in ops]
        for count, (number, effect) in enumerate(self._tools.executor.run(jobs), 1):
            self._settle(ops[number], effect, record)
            if count % COMMIT_EVERY == 0:
                self._tools.state.commit()
        self._tools.state.commit()

    def _job(self, op: Op, sides: Sides) -> Callable[[], Effect | Fault | None]:
        def job() -> Effect | Fault | None:
            if self._troubles.ended or self._tools.stopped.is_set():
                return None
            try:
                return act(op, sides)
            except Fault as fault:
                return fault

        return job

    def _require_closed(self, view: View) -> Callable[[Path], None]:
        """A cycle may take long: what was closed when it was planned may be open by now."""

        def require(path: Path) -> None:
            if view.was_opened(path, self._ask_open()):
                raise LocalOpen

        return require

    def _down(self, size: int) -> None:
        if self._tools.stopped.is_set():
            raise Lost("The sync is about to end; it comes the next time.")
        self._tools.progress.down(size)

    def _settle(self, op: Op, effect: Effect | Fault | None, record: Record) -> None:
        if isinstance(effect, Effect):
            self._troubles.went_well()
            record.write(op, effect)
            self._deletions.count(op)
            if isinstance(op, Create | FolderThere) and effect.remote and effect.remote.trashed:
                self._meet(op, Gone("Its folder was thrown away in Drive."), record.view)
                return
            self.done += 1
            self._tools.progress.done(key(op))
        elif isinstance(effect, Fault):
            self._meet(op, effect, record.view)

    def _meet(self, op: Op, fault: Fault, view: View) -> None:
        meta = self._tools.state.meta
        if isinstance(fault, NotAllowed) and isinstance(op, Bring | Deliver):
            shape = view.shape(op.remote)
            if not shape.export:
                self._tools.refusals[op.remote.id] = Refusal(shape.version, self._now, str(fault))
                return
            meta[UNEXPORTABLE] = " ".join({*meta.get(UNEXPORTABLE, "").split(), op.remote.id})
        if self._troubles.meet(op, fault):
            id_ = (
                self._reserved(op.local.path) if isinstance(op, (Create, FolderThere)) else key(op)
            )
            if id_:
                self._looking.listing.refresh(id_)
            if isinstance(op, Create | FolderThere) and isinstance(fault, Gone):
                self._looking.listing.refresh(op.parent)

    def _reserved(self, path: Path) -> str:
        """Empty when it was used up by another operation meanwhile."""
        one = self._tools.state.reserved.get(path)
        return one.id if one else ""

    def _announce(self, ops: list[Op]) -> None:
        """Writes down what is about to be sent: seen in Drive after a crash, it is ours."""
        state = self._tools.state
        paths = [op.local.path for op in ops if isinstance(op, (Create, FolderThere))]
        # An id that is in Drive already is another file's: ours would have been recognised.
        missing = [p for p in paths if not (id_ := self._reserved(p)) or id_ in state.remote]
        if missing:
            for path, id_ in zip(missing, self._tools.remote.new_ids(len(missing)), strict=True):
                state.reserved[path] = Reserved(id_)
        for op in ops:
            match op:
                case Create():
                    known = state.reserved[op.local.path]
                    state.reserved[op.local.path] = replace(known, md5=_with(known.md5, op.md5))
                case Update():
                    one = state.synced[op.remote.id]
                    state.synced[one.id] = replace(one, sending=_with(one.sending, op.md5))
                case MoveThere(between=True):
                    state.synced[op.remote.id] = replace(state.synced[op.remote.id], here=True)
                case _:
                    pass
        state.commit()

    def _forget_left(self) -> None:
        """What is chosen again, or not on disk any more, is no more left alone."""
        state = self._tools.state
        if not state.left:
            return
        scoped = self._view().scoped
        for path, id_ in list(state.left.items()):
            chosen = id_ in scoped.files or self._options.everything
            if chosen or (self._disk.complete and path not in self._disk.files):
                state.left.drop(path)

    def _is_too_much(self, made: Plan) -> bool:
        self.detail = self._deletions.refused(made.ops)
        if not self.detail:
            return False
        self._troubles.pause, self._troubles.again = Pause.MASS_DELETE, False
        self._tell(made, over=True)
        return True

    def _finish(self, made: Plan) -> None:
        state = self._tools.state
        if made.ops:
            self._tell(made, over=True)
        if self._tools.stopped.is_set():
            self._troubles.again = True
        elif not self._troubles.ended and not self._is_deleting(made):
            # What else is left to do, or refused, is no part of what was asked.
            self._deletions.end()
        if not made.ops and not self._troubles.blocked and not self._troubles.ended:
            unread = len(self._disk.md5) < sum(not f.folder for f in self._disk.files.values())
            self.clean = not (self.pause or made.unsynced or unread) and self._disk.complete
            state.meta[EVER_EQUAL] = "yes"

    def look_here_alone(self) -> None:
        """For the last word on a session, where Drive was not reached: what is not there."""
        state, progress = self._tools.state, self._tools.progress
        disk = self._looking.at_the_disk(self._now, self._tools.executor)
        progress.lists(
            telling.by_memory(state, disk, state.meta.get(ROOT, "")),
            telling.by_rule(self._looking.skipped),
            telling.standing(state, disk),
        )
        progress.plan(())

    def _is_deleting(self, made: Plan) -> bool:
        """Whether something of it is still to follow into a trash."""
        going = (op for op in made.ops if isinstance(op, TrashHere | TrashThere))
        return any(self._troubles.allows(op) for op in going)

    def _tell(self, made: Plan, over: bool = False) -> None:
        progress, state = self._tools.progress, self._tools.state
        progress.lists(
            telling.unsynced(made, self._disk, state.synced, self._troubles.blocked, over),
            telling.left_alone(made, self._looking.skipped),
            telling.standing(state, self._disk),
        )
        progress.plan(made.ops)


def _with(known: str, md5: str) -> str:
    """A few are enough: those that may still be under way."""
    return " ".join([*[one for one in known.split() if one != md5], md5][-8:])
