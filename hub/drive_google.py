"""Asks Google: for tokens, whose Drive it is, and what is in a folder. Keeps nothing, logs nothing.

The only module that sends the client secret and people's tokens anywhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import aiohttp

from hub import drive_consent
from hub.drive_consent import Tokens
from hub.drive_knobs import Drive
from hub.drive_links import MOST_TITLE
from spawner.errors import CarrelError, Code

CONNECT_S, TIMEOUT_S = 5, 15
MOST_BYTES = 2 * 2**20
"""Of an answer, of which several are held at a time; a page of 1,000 files has half a megabyte."""
PAGE = 1000
FOLDER = "application/vnd.google-apps.folder"
_FAULTS = (aiohttp.ClientError, OSError, TimeoutError)


class Faults(Enum):
    """What Google says no with, as far as it matters what."""

    DEAD = "dead"
    """The consent is gone (``invalid_grant``)."""
    CLIENT = "client"
    """It does not know this Carrel."""


class GoogleError(Exception):
    """A no that means something."""

    def __init__(self, fault: Faults) -> None:
        super().__init__(fault.value)
        self.fault = fault


@dataclass(frozen=True)
class About:
    """Whose Drive it is; bytes of all that counts there."""

    email: str
    root: str
    used_bytes: int


@dataclass(frozen=True)
class Item:
    """What is in a folder."""

    id: str
    title: str
    folder: bool
    size_bytes: int


async def exchange(drive: Drive, fields: Mapping[str, str]) -> Tokens:
    """Fetches tokens. Raises GoogleError, CarrelError(UNAVAILABLE)."""
    status, answer = await _send("POST", drive.token_url, data=dict(fields))
    if status == 200:
        return drive_consent.tokens(answer, datetime.now(UTC))
    error = answer.get("error") if isinstance(answer, dict) else None
    if error == "invalid_grant":
        raise GoogleError(Faults.DEAD)
    if error in ("invalid_client", "unauthorized_client", "redirect_uri_mismatch"):
        raise GoogleError(Faults.CLIENT)
    raise away()


async def revoke(drive: Drive, token: str) -> bool:
    """Gives a consent back; whether Google took it, or had forgotten it already."""
    try:
        status, answer = await _send("POST", drive.revoke_url, data={"token": token})
    except CarrelError:
        return False
    known = isinstance(answer, dict) and answer.get("error")
    return status == 200 or (status == 400 and known == "invalid_token")


async def about(drive: Drive, access: str) -> About:
    """Raises GoogleError, CarrelError(UNAVAILABLE)."""
    wanted = "user/emailAddress,rootFolderId,quotaBytesUsed"
    answer = await _get(drive, access, "about", {"fields": wanted})
    person = answer.get("user")
    email = person.get("emailAddress") if isinstance(person, dict) else None
    return About(str(email or "")[:320], id_of(answer.get("rootFolderId")), _size(answer))


async def children(
    drive: Drive, access: str, folder: str, page: str = ""
) -> tuple[list[Item], str]:
    """A page of what is in a folder, and the mark of the next one, empty at the last.

    Raises GoogleError, CarrelError(UNAVAILABLE).
    """
    asked = {
        "q": f"'{quoted(folder)}' in parents and trashed = false",
        "maxResults": str(PAGE),
        "fields": "nextPageToken,items(id,title,mimeType,fileSize)",
    }
    answer = await _get(drive, access, "files", asked | ({"pageToken": page} if page else {}))
    items = answer.get("items")
    if not isinstance(items, list):
        raise drive_consent.strange()
    return [_item(one) for one in items if isinstance(one, dict)], text_of(answer, "nextPageToken")


async def file(drive: Drive, access: str, id_: str) -> dict[str, Any]:
    """Title, parents and kind of one. Raises GoogleError, CarrelError(UNAVAILABLE, NOT_FOUND)."""
    fields = "id,title,mimeType,labels(trashed),parents(id,isRoot)"
    return await _get(drive, access, f"files/{id_of(id_)}", {"fields": fields})


async def make_folder(drive: Drive, access: str, title: str) -> str:
    """A folder of the app's own, at the top; its id. One of that name that it sees is taken."""
    query = f"title = '{quoted(title)}' and mimeType = '{FOLDER}' and trashed = false"
    found = await _get(drive, access, "files", {"q": query, "fields": "items(id)"})
    for one in found.get("items") or []:
        return id_of(one.get("id"))
    url, body = f"{drive.api_url}drive/v2/files", {"title": title, "mimeType": FOLDER}
    status, answer = await _send(
        "POST", url, params={"fields": "id"}, json=body, headers=_bearer(access)
    )
    if status != 200 or not isinstance(answer, dict):
        raise away()
    return id_of(answer.get("id"))


def quoted(text: str) -> str:
    """For a text within quotes in a query of Drive's."""
    return text.replace("\\", "\\\\").replace("'", "\\'")


def away() -> CarrelError:
    return CarrelError(
        Code.UNAVAILABLE, "Google does not answer right now.", "Try again in a moment."
    )


async def _get(drive: Drive, access: str, path: str, params: dict[str, str]) -> dict[str, Any]:
    url = f"{drive.api_url}drive/v2/{path}"
    status, answer = await _send("GET", url, params=params, headers=_bearer(access))
    if status == 401:
        raise GoogleError(Faults.DEAD)
    if status == 404:
        raise CarrelError(
            Code.NOT_FOUND, "There is no such folder in your Drive.", "Load the page again."
        )
    if status != 200 or not isinstance(answer, dict):
        raise away()
    return answer


async def _send(method: str, url: str, **what: Any) -> tuple[int, Any]:
    """Status and JSON (None: it was none). A redirect is no answer: nothing follows one."""
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S, sock_connect=CONNECT_S)
    try:
        async with (
            # trust_env: Google may be behind the site's own proxy.
            aiohttp.ClientSession(timeout=timeout, trust_env=True) as http,
            http.request(method, url, allow_redirects=False, **what) as answer,
        ):
            raw = await answer.content.read(MOST_BYTES + 1)
            while len(raw) <= MOST_BYTES and (more := await answer.content.read(MOST_BYTES)):
                raw += more
    except _FAULTS:
        # Not chained: such errors can name the address with all that is in it.
        raise away() from None
    told = None
    with suppress(ValueError):
        told = json.loads(raw) if len(raw) <= MOST_BYTES else None
    return answer.status, told


def _bearer(access: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {access}"}


def _item(one: Mapping[str, Any]) -> Item:
    size = one.get("fileSize")
    return Item(
        id=id_of(one.get("id")),
        title=text_of(one, "title")[:MOST_TITLE] or "(no title)",
        folder=one.get("mimeType") == FOLDER,
        size_bytes=_number(size),
    )


def _size(answer: Mapping[str, Any]) -> int:
    return _number(answer.get("quotaBytesUsed"))


def _number(told: Any) -> int:
    return int(told) if isinstance(told, str) and re.fullmatch(r"[0-9]{1,18}", told) else 0


def text_of(answer: Mapping[str, Any], name: str) -> str:
    """A text of an answer, or an empty one. What no database could take is replaced."""
    found = answer.get(name)
    text = found if isinstance(found, str) else ""
    return text.encode("utf-8", "replace").decode()


def id_of(found: Any) -> str:
    """An id goes into addresses and queries: only what can be one does. Raises CarrelError."""
    text = found if isinstance(found, str) else ""
    # One that is dots alone would lead elsewhere in a path.
    if len(text) > 200 or not text.strip(".") or not all(c.isalnum() or c in "-_." for c in text):
        raise drive_consent.strange()
    return text
