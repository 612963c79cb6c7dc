"""Decides whether a request may enter the queue: what waiting cannot mend is refused (pure)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from spawner.profiles import Catalog, Profile, Request, unavailable


@dataclass(frozen=True)
class Refusal:
    """Admission's no: why, and what to do instead."""

    reason: str
    advice: str


@dataclass(frozen=True)
class Offer:
    """What can be had here at all, sooner or later; memory in bytes."""

    catalog: Catalog
    ready_images: Collection[str]
    room_bytes: int
    """Memory that may be promised to all sessions together."""

    def holds(self, profile: Profile) -> bool:
        return self.ready(profile) and profile.guarantee_bytes <= self.room_bytes

    def ready(self, profile: Profile) -> bool:
        return self.catalog.reference(profile) in self.ready_images


def decide(request: Request, offer: Offer) -> Refusal | None:
    """None when the request may wait for its turn."""
    profile = request.profile
    if offer.holds(profile):
        return None
    others = [p.title for p in offer.catalog.profiles if offer.holds(p)]
    if profile.guarantee_bytes > offer.room_bytes:
        start = f"Start {_named(others)}, or ask" if others else "Ask"
        return Refusal(
            f"“{profile.title}” needs more memory than this machine has for sessions.",
            f"{start} your administrator.",
        )
    instead = f", or start {_named(others)}" if others else ""
    return Refusal(unavailable(profile), f"Try again in some minutes{instead}.")


def _named(titles: Iterable[str]) -> str:
    return " or ".join(f"“{title}”" for title in titles)
