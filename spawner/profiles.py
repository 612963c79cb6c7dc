"""What users may ask for, what they asked for, and what they were granted."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from spawner.errors import CarrelError, Code

OPTION = "profile"
"""The one user option there is; its value is a profile's slug."""


@dataclass(frozen=True)
class Profile:
    """An image family with a machine type; memory in bytes, cores may be a fraction."""

    slug: str
    title: str
    description: str
    image: str
    """Image family, or the reference of one of the site's own images."""
    cores: float
    memory_bytes: int
    guarantee_bytes: int
    """What admission counts for a session of this profile."""
    default: bool = False


@dataclass(frozen=True)
class Catalog:
    """Everything that is offered, in the order it is shown, and the images behind it."""

    profiles: tuple[Profile, ...]
    images: Mapping[str, str]
    """Image family → image reference, also of families that are still being built."""

    def find(self, slug: str) -> Profile | None:
        return next((profile for profile in self.profiles if profile.slug == slug), None)

    @property
    def default(self) -> Profile:
        return next((p for p in self.profiles if p.default), self.profiles[0])

    def reference(self, profile: Profile) -> str:
        """The image that a session of this profile runs."""
        return self.images.get(profile.image, profile.image)


@dataclass(frozen=True)
class Request:
    """A user asks for a profile that exists."""

    user: str
    profile: Profile

    @classmethod
    def parse(cls, user: str, user_options: Any, catalog: Catalog) -> Request:
        """A request from what a form, a link or the API sent.

        ``{}`` means the default profile; ``{"profile": slug}`` names one, its value alone or in
        a list of one, as forms send it.

        Raises CarrelError(BAD_INPUT), with what is offered, for anything else.
        """
        if not user_options and (user_options is None or isinstance(user_options, dict)):
            return cls(user, catalog.default)
        if not isinstance(user_options, dict):
            raise _not_offered("The options are not an object", catalog)
        unknown = [key for key in user_options if key != OPTION]
        if unknown:
            raise _not_offered(f"There is no option {_shown(unknown[0])}", catalog)
        slug = user_options[OPTION]
        if isinstance(slug, list) and len(slug) == 1:
            slug = slug[0]
        profile = catalog.find(slug) if isinstance(slug, str) else None
        if profile is None:
            raise _not_offered(f"There is no profile {_shown(slug)}", catalog)
        return cls(user, profile)


@dataclass(frozen=True)
class Grant:
    """Admission's yes: this session may start, from this image."""

    session_id: str
    """12 lower-case hex digits, unique for ever."""
    user: str
    profile: Profile
    image: str
    courses: tuple[str, ...] = ()
    """Slugs of the courses whose materials it sees."""
    drive: bool = False
    """Whether it sees its user's files of Google Drive."""


def profile_list(catalog: Catalog, ready_images: Collection[str]) -> list[dict[str, Any]]:
    """The profiles in the shape of KubeSpawner's ``profile_list``.

    A profile whose image is not among ``ready_images`` carries the reason as ``unavailable``.
    """
    entries = []
    for profile in catalog.profiles:
        entry = {
            "display_name": profile.title,
            "slug": profile.slug,
            "description": profile.description,
            "default": profile is catalog.default,
        }
        if catalog.reference(profile) not in ready_images:
            entry["unavailable"] = unavailable(profile)
        entries.append(entry)
    return entries


def unavailable(profile: Profile) -> str:
    """Why a profile cannot start while its image is missing."""
    return f"The image of “{profile.title}” is still being built."


def _not_offered(what: str, catalog: Catalog) -> CarrelError:
    slugs = ", ".join(profile.slug for profile in catalog.profiles)
    return CarrelError(Code.BAD_INPUT, f"{what}.", f"Profiles offered here: {slugs}.")


def _shown(value: Any) -> str:
    # What a stranger sent is named, so that a typo is found, but never at length.
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
