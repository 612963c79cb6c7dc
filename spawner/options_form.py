"""What the start page offers, as data for its template; and what its form sends, as options (pure).

The page itself is ``config/templates/offers.html``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from spawner.confinement import GIB
from spawner.profiles import OPTION, Catalog, Profile

NOT_OPTIONS = {"_xsrf", "next"}
"""What JupyterHub's own forms and links carry besides."""


class Lack(Enum):
    """Why something on offer cannot start at the moment; the template has the words."""

    IMAGE = "image"


@dataclass(frozen=True)
class Offer:
    """A profile as people see it."""

    slug: str
    title: str
    description: str
    cores: float
    memory_gib: float
    lacks: Lack | None = None


@dataclass(frozen=True)
class Offers:
    """One to start at once, None while nothing can start; and all others, in the site's order."""

    first: Offer | None
    others: tuple[Offer, ...]
    option: str = OPTION


def decide(
    catalog: Catalog,
    ready_images: Collection[str],
    last: Profile,
    proposed: Profile | None = None,
) -> Offers:
    """What is proposed comes first, then what was started last, if it can start; else the first
    that can."""
    ready = [p for p in catalog.profiles if catalog.reference(p) in ready_images]
    liked = [p for p in (proposed, last) if p is not None and p in ready]
    first = next(iter([*liked, *ready]), None)
    others = (
        _offer(profile, profile in ready) for profile in catalog.profiles if profile is not first
    )
    return Offers(_offer(first, True) if first else None, tuple(others))


def options_of(form: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """User options from a submitted form or a start link, not yet validated."""
    return {key: list(values) for key, values in form.items() if key not in NOT_OPTIONS}


def _offer(profile: Profile, ready: bool) -> Offer:
    return Offer(
        slug=profile.slug,
        title=profile.title,
        description=profile.description,
        cores=profile.cores,
        memory_gib=profile.memory_bytes / GIB,
        lacks=None if ready else Lack.IMAGE,
    )
