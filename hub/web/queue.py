"""What is told of the queue: one's own place to everybody, all places to admins (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hub.queueing import Standing


def own(queue: Sequence[Standing], name: str) -> dict[str, Any]:
    """``mine`` is None for somebody who does not wait."""
    mine = next((one for one in queue if one.session.user == name), None)
    return {"waiting": len(queue), "mine": _place(mine) if mine else None}


def everybody(queue: Sequence[Standing]) -> list[dict[str, Any]]:
    """In the order of the queue."""
    return [
        {"user": one.session.user, "profile": one.session.profile} | _place(one) for one in queue
    ]


def _place(one: Standing) -> dict[str, Any]:
    # 0: the hub is about to let it begin.
    return {
        "session": one.session.id,
        "place": one.wait.place if one.wait else 0,
        "reason": one.wait.reason if one.wait else "",
        "since": one.session.requested_at.isoformat(),
    }
