"""Looks at every step of the way to Google, from where the hub stands; changes nothing."""

from __future__ import annotations

import asyncio

from hub import drive_consent, drive_google
from hub.cli import client_secret
from hub.cli.finding import Finding
from hub.drive_google import Faults, GoogleError
from hub.drive_knobs import CLIENT_SECRET
from hub.drive_sealing import KEY
from hub.enums import DriveScope
from hub.sealing import read_keys
from hub.settings import Settings
from spawner.errors import CarrelError

MADE_UP = "4/carrel-doctor-asks-whether-you-know-this-client"
SCOPE_WORDS = {
    DriveScope.FULL: "full: all that people choose, both ways; a restricted scope at Google",
    DriveScope.APP_FOLDER: "app_folder: one folder that Carrel makes; it shows nothing else",
    DriveScope.READ_ONLY: "read_only: nothing goes up; a restricted scope at Google",
}


def doctor(settings: Settings) -> list[Finding]:
    """A line for each step, in the order in which they are taken."""
    drive = settings.drive
    scope = Finding("scope", "ok", SCOPE_WORDS[drive.scope])
    findings = [_client_id(settings), _secret(settings), _key(settings), _address(settings), scope]
    return findings + asyncio.run(_endpoints(settings))


def _client_id(settings: Settings) -> Finding:
    if settings.drive.configured:
        return Finding("client", "ok", f"client ID {settings.drive.client_id}")
    return Finding(
        "client", "bad", "there is no client ID: nobody can connect a Drive",
        "Make an OAuth client at Google (docs/admin.md, “Google Drive”), set [drive] client_id "
        "in config/carrel.toml, and run ./carrel up.",
    )  # fmt: skip


def _secret(settings: Settings) -> Finding:
    where = client_secret.path(settings, CLIENT_SECRET)
    if _read_secret(settings):
        return Finding("secret", "ok", f"the client secret is in {where}")
    return Finding(
        "secret", "bad", f"there is no client secret ({where})",
        "Run ./carrel drive secret and paste what Google shows beside the client ID.",
    )  # fmt: skip


def _key(settings: Settings) -> Finding:
    keys = read_keys(settings.data_dir / KEY)
    if not keys:
        return Finding(
            "key", "bad", f"the key that seals people's tokens is missing or damaged ({KEY})",
            "Put it back from a backup; without one, remove what is there, run ./carrel up, and "
            "people connect anew.",
        )  # fmt: skip
    older = f", and opens with {len(keys) - 1} older" if len(keys) > 1 else ""
    return Finding("key", "ok", f"{KEY} seals{older}")


def _address(settings: Settings) -> Finding:
    redirect = drive_consent.redirect_uri(settings)
    says = f"register this redirect URI at Google, to the letter: {redirect}"
    loopback = redirect.startswith(("http://localhost", "http://127.0.0.1"))
    if redirect.startswith("https://") or loopback:
        state = "warning" if loopback and not settings.demo else "ok"
        remedy = "It works on this machine alone: set [server] public_url." if loopback else ""
        return Finding("address", state, says, remedy if state == "warning" else "")
    return Finding(
        "address", "bad", f"Google takes no redirect to plain http: {redirect}",
        "Serve Carrel under https and set [server] public_url.",
    )  # fmt: skip


async def _endpoints(settings: Settings) -> list[Finding]:
    return [await _token(settings), await _revoke(settings), await _api(settings)]


async def _token(settings: Settings) -> Finding:
    """A code that is made up: a Google that knows the client says that of the code, not of it."""
    drive, name = settings.drive, "tokens"
    back = drive_consent.redirect_uri(settings)
    fields = drive_consent.code_fields(drive, _read_secret(settings), MADE_UP, "x" * 43, back)
    try:
        await drive_google.exchange(drive, fields)
    except GoogleError as error:
        if error.fault is Faults.DEAD:
            return Finding(name, "ok", f"{drive.token_url} answers, and knows this client")
        return Finding(
            name, "bad", f"{drive.token_url} answers, and does not know this client",
            "Compare client ID and secret with what the Google Cloud console shows; store the "
            "secret anew with ./carrel drive secret.",
        )  # fmt: skip
    except CarrelError:
        pass
    return Finding(name, "bad", f"{drive.token_url} does not answer as it should", _REACH)


async def _revoke(settings: Settings) -> Finding:
    where = settings.drive.revoke_url
    if await drive_google.revoke(settings.drive, MADE_UP):
        return Finding("revoking", "ok", f"{where} answers")
    return Finding("revoking", "bad", f"{where} does not answer as it should", _REACH)


async def _api(settings: Settings) -> Finding:
    where = settings.drive.api_url
    try:
        await drive_google.about(settings.drive, "no-token")
    except GoogleError:
        return Finding("api", "ok", f"{where} answers")
    except CarrelError:
        pass
    remedy = f"{_REACH} Is the Google Drive API enabled in the client's project?"
    return Finding("api", "bad", f"{where} does not answer as it should", remedy)


_REACH = "The hub's container must reach it over https: look at its DNS and the site's firewall."


def _read_secret(settings: Settings) -> str:
    try:
        where = client_secret.path(settings, CLIENT_SECRET)
        return where.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
