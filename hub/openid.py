"""What OpenID Connect adds to OAuth: where the endpoints are, and what an ID token holds (pure).

OpenID Connect Discovery 1.0 and Core 1.0; the sections are named where they bite.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import jwt

from spawner.errors import CarrelError, Code

LEEWAY_S = 60
"""How far the provider's clock may be off."""


@dataclass(frozen=True)
class Endpoints:
    """Where a provider is asked for what, and how this Carrel shows there who it is."""

    authorize: str
    token: str
    userinfo: str
    basic_auth: bool


def discovery_url(issuer: str) -> str:
    """Discovery 4: a slash at the issuer's end is dropped first."""
    return f"{issuer.rstrip('/')}/.well-known/openid-configuration"


def endpoints(issuer: str, document: Any) -> Endpoints:
    """Reads a discovery document. Raises CarrelError(FAILED) for one that cannot be used."""
    if not isinstance(document, Mapping):
        raise _unusable("its discovery document is no table")
    # Discovery 4.3: or somebody else could speak for that issuer.
    if document.get("issuer") != issuer:
        raise _unusable(f"it calls itself {document.get('issuer')!r}, sign_on.issuer {issuer!r}")
    found = [document.get(f"{name}_endpoint") for name in ("authorization", "token", "userinfo")]
    schemes = {"https", urlsplit(issuer).scheme}
    if not all(isinstance(url, str) and urlsplit(url).scheme in schemes for url in found):
        raise _unusable("it does not name all of its endpoints, or names them without https")
    # Discovery 3: who says nothing takes basic.
    methods = document.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    authorize, token, userinfo = (str(url) for url in found)
    return Endpoints(authorize, token, userinfo, basic_auth="client_secret_basic" in methods)


def nonce(verifier: str) -> str:
    """Ties an ID token to the browser that began: derived from the login's own secret (PKCE's)."""
    digest = hashlib.sha256(f"nonce {verifier}".encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


@dataclass(frozen=True)
class Expected:
    """What an ID token must say."""

    issuer: str
    client_id: str
    nonce: str


def require_id_token(token: Any, expected: Expected, subject: Any) -> None:
    """Core 3.1.3.7, and 5.3.2: the userinfo is about whom the ID token is about.

    Its signature is not asked for: it came from the token endpoint itself, over TLS (3.1.3.7,
    6). Raises CarrelError(FAILED).
    """
    try:
        claims = jwt.decode(
            token,
            audience=expected.client_id,
            issuer=expected.issuer,
            leeway=LEEWAY_S,
            options={
                "verify_signature": False,
                "verify_aud": True,
                "verify_iss": True,
                "verify_exp": True,
                "require": ["iss", "aud", "exp", "sub"],
            },
        )
    except jwt.PyJWTError as error:
        raise _doubtful(str(error)) from error
    if claims.get("azp", expected.client_id) != expected.client_id:
        raise _doubtful("it is for another client")
    if claims.get("nonce") != expected.nonce:
        raise _doubtful("its nonce is not of this login")
    if claims["sub"] != subject:
        raise _doubtful("it is about somebody else than the userinfo")


def _unusable(why: str) -> CarrelError:
    return CarrelError(
        Code.FAILED,
        f"The provider cannot be used for logging in: {why}.",
        "Tell your administrator: sign_on.issuer must be what the provider calls itself.",
    )


def _doubtful(why: str) -> CarrelError:
    return CarrelError(
        Code.FAILED, f"The provider's answer cannot be trusted: {why}.", "Log in once more."
    )
