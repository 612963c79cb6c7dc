"""The settings of single sign-on: at which provider people log in, and what is asked of it."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import field_validator
from pydantic.functional_validators import AfterValidator

from hub.enums import Provider
from hub.knobs import LOOPBACK, Section, knob


def _issuer(text: str) -> str:
    """Kept to the letter: an issuer is compared with what the provider calls itself."""
    if not text:
        return text
    parts = urlsplit(text)
    plain = parts.scheme == "http" and parts.hostname in LOOPBACK
    if (
        not (parts.scheme == "https" or plain)
        or not parts.hostname
        or parts.query
        or parts.fragment
        or "@" in parts.netloc
        or not re.fullmatch(r"[!-~]{1,200}", text)
    ):
        raise ValueError("must be an https:// address with no query (http:// on loopback alone)")
    return text


Issuer = Annotated[str, AfterValidator(_issuer)]


class SignOn(Section):
    """Logging in at a provider instead of with passwords of Carrel's own.

    The client secret is no setting: `./carrel sign-on secret` puts it where the hub alone reads it.
    """

    provider: Provider = knob(
        Provider.LOCAL,
        "Who knows the passwords: `local` (Carrel), `google`, `github`, `gitlab`, or `oidc` for "
        "any OpenID Connect provider.",
    )
    client_id: str = knob("", "What the provider calls this Carrel.", pattern=r"^[!-~]{0,256}$")
    issuer: Issuer = knob(
        "",
        "Address of the OpenID Connect provider, as it calls itself; for `gitlab` and `github` "
        "that of your own server, if it is one.",
        "URL",
    )
    name: str = knob(
        "", "What the login button calls the provider; empty: its own name.", max_length=60
    )
    scopes: tuple[str, ...] = knob(
        (),
        "What is asked of the provider; empty: as little as tells who somebody is.",
        "OAuth scope",
    )
    user_name_claim: str = knob(
        "",
        "Which of the provider's values proposes a user name to new people; empty: "
        "`preferred_username`, at Google `email`, at GitHub `login`, at GitLab `username`.",
        pattern=r"^[A-Za-z0-9_.:/-]{0,100}$",
    )

    @field_validator("scopes")
    @classmethod
    def _check_scopes(cls, scopes: tuple[str, ...]) -> tuple[str, ...]:
        # RFC 6749, 3.3: what a scope may be made of.
        if not all(re.fullmatch(r"[!#-\[\]-~]+", scope) for scope in scopes):
            raise ValueError("a scope has no spaces and no quotes")
        return scopes

    @property
    def called(self) -> str:
        """The provider, on a page."""
        return self.name or _PROVIDER_NAMES.get(self.provider, urlsplit(self.issuer).hostname or "")


CLIENT_SECRET = "hub/sign_on_client_secret"  # noqa: S105  its name
"""Under ``secrets/``: what proves to the provider that this is the Carrel it knows."""

_PROVIDER_NAMES = {
    Provider.GOOGLE: "Google",
    Provider.GITHUB: "GitHub",
    Provider.GITLAB: "GitLab",
}
