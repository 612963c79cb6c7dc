"""The profiles as an HTML form, and back: every text is escaped, admins' titles too."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from html import escape
from typing import Any

from spawner.confinement import GIB
from spawner.profiles import OPTION, Catalog, Profile, unavailable


def options_of(form: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """User options from a submitted form or a start link, not yet validated."""
    return {key: list(values) for key, values in form.items() if key != "_xsrf"}


def render(catalog: Catalog, ready_images: Collection[str], last: Profile) -> str:
    """One big Start for ``last`` and a card for each other profile; works without script."""
    ready = [p for p in catalog.profiles if catalog.reference(p) in ready_images]
    if not ready:
        return (
            '<p class="alert alert-info" role="status">The images are still being built. '
            "Load this page again in some minutes.</p>"
        )
    first = last if last in ready else ready[0]
    others = [profile for profile in catalog.profiles if profile is not first]
    cards = "".join(_card(profile, profile in ready) for profile in others)
    heading = '<h2 class="h5 mt-5 mb-3">Or start another</h2>' if others else ""
    return f"{_big(first)}{heading}<ul class='carrel-cards'>{cards}</ul>"


def size(profile: Profile) -> str:
    """Cores and memory in words."""
    cores = "1 core" if profile.cores == 1 else f"{profile.cores:g} cores"
    return f"{cores}, {profile.memory_bytes / GIB:g} GiB of memory"


def _big(profile: Profile) -> str:
    return (
        f'<button class="btn carrel-go carrel-big" type="submit" name="{OPTION}" '
        f'value="{escape(profile.slug)}" autofocus>'
        f'<span class="carrel-big-word">Start</span> '
        f'<span class="carrel-big-title">{escape(profile.title)}</span></button>'
        f'<p class="carrel-what">{escape(profile.description)} '
        f'<span class="carrel-size">{escape(size(profile))}.</span></p>'
    )


def _card(profile: Profile, ready: bool) -> str:
    title = escape(profile.title)
    action = (
        f'<button class="btn carrel-go" type="submit" name="{OPTION}" '
        f'value="{escape(profile.slug)}">Start<span class="visually-hidden"> {title}</span>'
        "</button>"
        if ready
        else f'<p class="carrel-later">{escape(unavailable(profile))}</p>'
    )
    return (
        f'<li class="carrel-card"><h3 class="h6">{title}</h3>'
        f"<p>{escape(profile.description)}</p>"
        f'<p class="carrel-size">{escape(size(profile))}</p>{action}</li>'
    )
