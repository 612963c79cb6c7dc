"""What Google's page of consent is asked, and what its answers mean (pure).

RFC 6749, RFC 7636 (PKCE) and Google's "OAuth 2.0 for Web Server Applications".
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from hub import origins
from hub.drive_knobs import Drive
from hub.enums import DriveScope
from hub.settings import Settings
from spawner.errors import CarrelError, Code

CALLBACK = "drive/callback"
"""Below the pages of the carrel service."""
MOST_ACCESS_S = 3600
"""How long an access token is used, whatever Google says."""
SCOPES = {
    DriveScope.FULL: "https://www.googleapis.com/auth/drive",
    DriveScope.APP_FOLDER: "https://www.googleapis.com/auth/drive.file",
    DriveScope.READ_ONLY: "https://www.googleapis.com/auth/drive.readonly",
}


@dataclass(frozen=True)
class Tokens:
    """What a token endpoint gave."""

    access: str = field(repr=False)
    expires_at: datetime
    refresh: str | None = field(repr=False)
    granted: tuple[str, ...] | None
    """None: it did not say, so what was asked for (RFC 6749, 5.1)."""


def redirect_uri(settings: Settings) -> str:
    """Where Google sends browsers back to; to be registered there to the letter."""
    return f"{origins.absolute(settings)}{CALLBACK}"


def challenge(verifier: str) -> str:
    """RFC 7636, 4.2: S256."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).decode("ascii").rstrip("=")


def address(settings: Settings, state: str, verifier: str, email: str = "") -> str:
    """Of the page where somebody is asked."""
    drive = settings.drive
    asked = {
        "client_id": drive.client_id,
        "redirect_uri": redirect_uri(settings),
        "response_type": "code",
        "scope": SCOPES[drive.scope],
        "state": state,
        "code_challenge": challenge(verifier),
        "code_challenge_method": "S256",
        # Offline, with the page of consent each time: else no refresh token comes.
        "access_type": "offline",
        "prompt": "consent",
        "include_granted_scopes": "false",
    }
    if email:
        asked["login_hint"] = email
    return f"{drive.auth_url}?{urlencode(asked)}"


def code_fields(drive: Drive, secret: str, code: str, verifier: str, back: str) -> dict[str, str]:
    """What a code is exchanged with."""
    return {
        "grant_type": "authorization_code",
        "client_id": drive.client_id,
        "client_secret": secret,
        "code": code,
        "code_verifier": verifier,
        "redirect_uri": back,
    }


def refresh_fields(drive: Drive, secret: str, token: str) -> dict[str, str]:
    """What an access token is minted with."""
    return {
        "grant_type": "refresh_token",
        "client_id": drive.client_id,
        "client_secret": secret,
        "refresh_token": token,
    }


def tokens(answer: Any, now: datetime) -> Tokens:
    """Reads a token endpoint's answer. Raises CarrelError(UNAVAILABLE) for one that is none."""
    access, lasts_s = None, None
    if isinstance(answer, dict):
        access, lasts_s = answer.get("access_token"), answer.get("expires_in", MOST_ACCESS_S)
    if not isinstance(answer, dict) or not isinstance(access, str) or not access:
        raise strange()
    if isinstance(lasts_s, bool) or not isinstance(lasts_s, int | float) or lasts_s <= 0:
        raise strange()
    refresh, scope = answer.get("refresh_token"), answer.get("scope")
    return Tokens(
        access=access,
        expires_at=now + timedelta(seconds=min(lasts_s, MOST_ACCESS_S)),
        refresh=refresh if isinstance(refresh, str) and refresh else None,
        granted=tuple(scope.split()) if isinstance(scope, str) else None,
    )


def require_granted(scope: DriveScope, granted: Collection[str] | None) -> None:
    """People can untick a box on Google's page. Raises CarrelError(REFUSED) that names it."""
    if granted is not None and SCOPES[scope] not in granted:
        raise CarrelError(
            Code.REFUSED,
            "Google did not give Carrel what it needs: the box was not ticked.",
            f"Press Connect again, and on Google's page tick “{BOXES[scope]}”.",
        )


BOXES = {
    DriveScope.FULL: "See, edit, create, and delete all of your Google Drive files",
    DriveScope.APP_FOLDER: (
        "See, edit, create, and delete only the specific Google Drive files you use with this app"
    ),
    DriveScope.READ_ONLY: "See and download all your Google Drive files",
}
"""As Google's page words them in English."""


def refused(error: str) -> CarrelError:
    """What is said where Google's page came back with an error."""
    if error == "access_denied":
        return CarrelError(
            Code.REFUSED,
            "Google did not connect your Drive: you said no there, or your organisation does not "
            "allow it.",
            "Nothing was changed. Press Connect again if you want it after all.",
        )
    if error in ("temporarily_unavailable", "server_error"):
        return CarrelError(
            Code.UNAVAILABLE, "Google cannot connect it right now.", "Try again in a moment."
        )
    return CarrelError(
        Code.REFUSED,
        "Google did not connect your Drive.",
        "Try again; if it stays so, tell your administrator: ./carrel doctor --drive looks for "
        "the cause.",
    )


def strange() -> CarrelError:
    return CarrelError(
        Code.UNAVAILABLE, "Google's answer cannot be read.", "Try again in a moment."
    )
