"""Decides whether a request may become a session now (pure; thin until there is a queue)."""

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
class House:
    """What there is to give at this moment; memory in bytes."""

    catalog: Catalog
    ready_images: Collection[str]
    room_bytes: int
    """Memory that may be promised to all sessions together."""
    running: tuple[str, ...]
    """Profiles of the sessions that have not ended, one slug each."""

    @property
    def left_bytes(self) -> int:
        return self.room_bytes - sum(self._guarantee(slug) for slug in self.running)

    def can_start(self, profile: Profile) -> bool:
        return self.ready(profile) and profile.guarantee_bytes <= self.left_bytes

    def ready(self, profile: Profile) -> bool:
        return self.catalog.reference(profile) in self.ready_images

    def _guarantee(self, slug: str) -> int:
        profile = self.catalog.find(slug)
        if profile is not None:
            return profile.guarantee_bytes
        # Started before the profile was taken out of the settings: promise too little rather
        # than too much.
        return max(profile.guarantee_bytes for profile in self.catalog.profiles)


def decide(request: Request, house: House) -> Refusal | None:
    """None when the request may start now."""
    profile = request.profile
    if house.can_start(profile):
        return None
    others = [p.title for p in house.catalog.profiles if house.can_start(p)]
    if not house.ready(profile):
        return Refusal(unavailable(profile), f"Try again in some minutes{_or_start(others)}.")
    if profile.guarantee_bytes > house.room_bytes:
        start = f"Start {_named(others)}, or ask" if others else "Ask"
        return Refusal(
            f"“{profile.title}” needs more memory than this machine has for sessions.",
            f"{start} your administrator.",
        )
    return Refusal(
        f"The machine is full: its memory is promised to the {_sessions(house.running)} now.",
        f"Try again when somebody has stopped theirs{_or_start(others)}.",
    )


def _named(titles: Iterable[str]) -> str:
    return " or ".join(f"“{title}”" for title in titles)


def _or_start(titles: Collection[str]) -> str:
    return f", or start {_named(titles)}" if titles else ""


def _sessions(running: Collection[str]) -> str:
    return "one session that runs" if len(running) == 1 else f"{len(running)} sessions that run"
