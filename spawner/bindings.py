"""What every session of this hub is run with."""

from __future__ import annotations

from dataclasses import dataclass

from spawner.plan import Site
from spawner.policy import Policy
from spawner.profiles import Catalog


@dataclass(frozen=True)
class Bindings:
    """Handed to the spawner class by the configuration."""

    site: Site
    catalog: Catalog
    policy: Policy
    start_limit_s: int
    """From a container's start to its server's first answer."""
    stop_grace_s: int
    engine_threads: int = 32
    """Engine calls at a time, of all users together and one of each. They wait for the engine
    rather than work: enough of them that a class whose calls all hang leaves some for others."""
