"""Decides what becomes of a course's layers when its list of packages may have changed (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from hub.enums import LayerState
from hub.materials.layers import Layer


class Deed(Enum):
    """What is to be done."""

    NOTHING = "nothing"
    BUILD = "build"
    """One more layer."""
    USE = "use"
    """A layer of before, which is still there."""
    DROP = "drop"
    """No layer any more."""


@dataclass(frozen=True)
class Step:
    """``layer`` is whose id a USE is about."""

    deed: Deed
    layer: str = ""


NOTHING = Step(Deed.NOTHING)


def decide(wanted: str | None, layers: Sequence[Layer]) -> Step:
    """``wanted`` is the key of what the materials list (None: nothing).

    ``layers`` are the course's, the newest first.

    What failed is not tried again for the same list: a teacher can ask for that. What is being
    built comes to its end, and is left when it is not wanted any more.
    """
    newest = layers[0] if layers else None
    if wanted is None:
        waits = any(one.state in (LayerState.WAITING, LayerState.FAILED) for one in layers)
        return Step(Deed.DROP) if waits or any(one.in_use for one in layers) else NOTHING
    if newest and newest.key == wanted and (newest.state is not LayerState.READY or newest.in_use):
        return NOTHING
    for one in layers:
        if one.key == wanted and one.state is LayerState.READY:
            return Step(Deed.USE, one.id)
    return Step(Deed.BUILD)
