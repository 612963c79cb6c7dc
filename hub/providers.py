"""Single sign-on providers: what is asked of each, and who its answer says somebody is (pure).

A person is known by the provider's address and the number or code that it never gives to anybody
else (`sub`; `id` at GitHub and GitLab). Names and e-mail addresses change hands: they propose, and
decide nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hub.accounts import clean_full_name
from hub.enums import Provider
from hub.models import FULL_NAME
from hub.sign_on_knobs import SignOn
from spawner.errors import CarrelError, Code
from spawner.names import canonical


@dataclass(frozen=True)
class Kind:
    """What one provider calls things."""

    issuer: str
    """Its address, where settings name none."""
    subject: str
    """The value that stays with a person for good."""
    user_name: str
    """The value that proposes a user name."""
    scopes: tuple[str, ...]
    openid: bool
    """Whether it speaks OpenID Connect: endpoints are discovered, ID tokens are checked."""


# Sources: developers.google.com/identity/openid-connect, docs.github.com/rest/users (GET /user),
# docs.gitlab.com/api/users (GET /user; `read_user` suffices), OpenID Connect Core 5.1.
KINDS = {
    Provider.GOOGLE: Kind(
        "https://accounts.google.com", "sub", "email", ("openid", "email", "profile"), True
    ),
    Provider.GITHUB: Kind("https://github.com", "id", "login", (), False),
    Provider.GITLAB: Kind("https://gitlab.com", "id", "username", ("read_user",), False),
    Provider.OIDC: Kind("", "sub", "preferred_username", ("openid", "profile", "email"), True),
}


@dataclass(frozen=True)
class Person:
    """Who somebody is, as their provider says."""

    identity: str
    """``<issuer> <subject>``, as in ``accounts.identity``."""
    user_name: str | None
    """The provider's proposal, canonical; None where it has none that can be a user name."""
    full_name: str


def issuer(settings: SignOn) -> str:
    """The provider's address, as it stands in identities."""
    kind = KINDS[settings.provider]
    if kind.openid:
        return settings.issuer or kind.issuer
    return (settings.issuer or kind.issuer).rstrip("/")


def scopes(settings: SignOn) -> tuple[str, ...]:
    """What is asked for; without `openid` an OpenID Connect provider would not say who it is."""
    kind = KINDS[settings.provider]
    asked = settings.scopes or kind.scopes
    return ("openid", *asked) if kind.openid and "openid" not in asked else asked


def person(settings: SignOn, claims: Mapping[str, Any]) -> Person:
    """Reads a provider's answer. Raises CarrelError(FAILED) when it does not say who it is."""
    kind = KINDS[settings.provider]
    return Person(
        identity(issuer(settings), claims.get(kind.subject)),
        _user_name(settings.user_name_claim or kind.user_name, claims),
        _full_name(claims.get("name")),
    )


def identity(where: str, subject: Any) -> str:
    """The key of a person. Raises CarrelError(FAILED) for what cannot be one."""
    number = isinstance(subject, int) and not isinstance(subject, bool)
    text = str(subject) if number or isinstance(subject, str) else ""
    # OpenID Connect Core 2: at most 255 ASCII characters. No space: it stands between the two.
    if not re.fullmatch(r"[!-~]{1,255}", text, re.ASCII):
        raise CarrelError(
            Code.FAILED,
            "The provider did not say who you are.",
            "Tell your administrator; the hub's log says more.",
        )
    return f"{where} {text}"


def _user_name(claim: str, claims: Mapping[str, Any]) -> str | None:
    for key in (claim, "preferred_username", "email"):
        value = claims.get(key)
        if not isinstance(value, str):
            continue
        try:
            # Of an address, the part before the @: the rest is the same for everybody there.
            return canonical(value.partition("@")[0])
        except CarrelError:
            continue
    return None


def _full_name(value: Any) -> str:
    if not isinstance(value, str):
        return ""
    try:
        return clean_full_name(value[:FULL_NAME])
    except CarrelError:
        return ""
