"""What Drive refused to send: named, and asked for again only after a while.

One that very many people fetch is refused for up to a day (``downloadQuotaExceeded``). Kept in
memory: a new sidecar asks once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from drivesync.ops import Bring, Deliver, Op

if TYPE_CHECKING:
    from drivesync.planner import Plan
    from drivesync.view import View

ASK_AGAIN = timedelta(minutes=10)


@dataclass(frozen=True)
class Refusal:
    """Of one file: the version that was asked for, when, and what Drive said."""

    version: str
    at: datetime
    said: str = ""


Refusals = Mapping[str, Refusal]
"""By id."""


def set_aside(view: View, plan: Plan) -> None:
    """Takes out of the plan what was refused a moment ago, and tells it."""
    if not view.now.refused:
        return
    kept: list[Op] = []
    for op in plan.ops:
        refusal = _of(view, op)
        if refusal is None or not isinstance(op, Bring | Deliver):
            kept.append(op)
            continue
        path = op.path if isinstance(op, Bring) else op.local.path
        (plan.unsynced if _waits_for_it(view, op) else plan.unbrought)[path] = _sentence(refusal)
    plan.ops = kept


def _of(view: View, op: Op) -> Refusal | None:
    if not isinstance(op, Bring | Deliver):
        return None
    known = view.now.refused.get(op.remote.id)
    if known is None or known.version != view.shape(op.remote).version:
        return None
    return known if known.at <= view.now.at < known.at + ASK_AGAIN else None


def _waits_for_it(view: View, op: Bring | Deliver) -> bool:
    """Whether what is on disk is not in Drive: it goes there beside what is to be brought."""
    file = op.over if isinstance(op, Bring) else op.local
    if file is None:
        return False
    synced = view.trees.synced.get(op.remote.id)
    return synced is None or view.trees.disk.md5.get(file.path) != synced.md5


def _sentence(refusal: Refusal) -> str:
    said = f" It says: {refusal.said}" if refusal.said else ""
    return f"Drive refuses to send its version, and is asked again every ten minutes.{said}"
