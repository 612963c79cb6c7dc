"""Whether a course and its disk have room for one more intake."""

from __future__ import annotations

import shutil

from hub.materials.members import MIB, Limits
from hub.materials.places import Place
from spawner.errors import CarrelError, Code

MOST_WAITING = 10
"""Intakes of a course that nobody has decided about: each may be as large as all it holds."""
FREE_BYTES = 1024 * MIB
"""What stays free on the disk, which homes and databases may share."""


def require_room(place: Place, limits: Limits) -> None:
    """Raises CarrelError: CONFLICT, or UNAVAILABLE where the disk would be filled."""
    if sum(1 for _ in place.intakes.glob("*.git")) >= MOST_WAITING:
        raise CarrelError(
            Code.CONFLICT,
            f"{MOST_WAITING} things wait for a decision in this course already.",
            "Publish them or throw them away on the page Materials, then send this again.",
        )
    if shutil.disk_usage(place.shared).free < limits.all_bytes + FREE_BYTES:
        raise CarrelError(
            Code.UNAVAILABLE,
            "The disk for materials is nearly full.",
            "Nothing was taken. Ask your administrator to make room.",
        )
