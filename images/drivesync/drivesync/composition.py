"""The real parts put together: Drive, the disk, the state and the engine on them."""

from __future__ import annotations

from drivesync.bell import Bell
from drivesync.desk import Syncs
from drivesync.process import Place
from drivesync.settings import Settings
from drivesync.tokens import Tokens


def make(place: Place, settings: Settings, tokens: Tokens, bell: Bell) -> Syncs:
    raise NotImplementedError


def watch(place: Place, bell: Bell) -> None:
    raise NotImplementedError
