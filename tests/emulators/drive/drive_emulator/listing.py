"""One page of a list of files: sought, sorted, cut."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from drive_emulator import query
from drive_emulator.messages import Request
from drive_emulator.model import Access, Account, Refused, Seen
from drive_emulator.store import Store

MOST = 1000


@dataclass(frozen=True)
class Page:
    """``next`` is empty on the last one."""

    items: list[Seen]
    next: str


def page(store: Store, account: Account, access: Access, request: Request, size: int) -> Page:
    """Raises 400 for a bad query, order or page token."""
    text, order = request.query.get("q", ""), request.query.get("orderBy", "")
    sought = query.parse(text, account.root, access.email)
    asked = hashlib.sha256(f"{text}\n{order}\n{access.email}".encode()).hexdigest()[:16]
    start, stale = _read_token(request.query.get("pageToken", ""), asked)
    stale = stale or int(request.quirks.get("stale", 0))
    found = store.find(access, sought.matches, sought.parents, stale)
    found = _sorted(found, order)
    if "half" in request.quirks:
        found = _half(found, request.quirks)
    if start == 0 and request.quirks.get("empty_page"):
        return Page([], _token(asked, 0, stale, after_empty=True))
    size = partial(request, max(1, min(size, MOST)))
    rest = found[start : start + size]
    more = start + size < len(found)
    return Page(rest, _token(asked, start + size, stale) if more else "")


def partial(request: Request, size: int) -> int:
    """Drive may send less than was asked for, with a token for the rest."""
    return max(1, size // 3) if request.quirks.get("partial_page") else max(1, min(size, MOST))


def _half(found: list[Seen], quirks: dict[str, Any]) -> list[Seen]:
    chosen = random.Random(quirks.get("seed", 0))
    return [seen for seen in found if chosen.random() >= float(quirks["half"])]


def _token(asked: str, start: int, stale: int, after_empty: bool = False) -> str:
    text = json.dumps([asked, start, stale, after_empty])
    return "~!!~" + base64.urlsafe_b64encode(text.encode()).decode()


def _read_token(token: str, asked: str) -> tuple[int, int]:
    if not token:
        return 0, 0
    try:
        known, start, stale, _ = json.loads(base64.urlsafe_b64decode(token.removeprefix("~!!~")))
    except ValueError:
        known, start, stale = "", 0, 0
    if known != asked:
        raise Refused(400, "invalid", "Invalid Value", "pageToken")
    return start, stale


_KEYS: dict[str, Callable[[Seen], Any]] = {
    "createdDate": lambda seen: seen.file.created_ms,
    "createdTime": lambda seen: seen.file.created_ms,
    "folder": lambda seen: not seen.file.folder,
    "modifiedDate": lambda seen: seen.file.modified_ms,
    "modifiedTime": lambda seen: seen.file.modified_ms,
    "modifiedByMeDate": lambda seen: seen.file.modified_ms,
    "name": lambda seen: seen.file.title,
    "name_natural": lambda seen: _natural(seen.file.title),
    "quotaBytesUsed": lambda seen: seen.file.size,
    "recency": lambda seen: seen.file.modified_ms,
    "starred": lambda seen: not seen.file.starred,
    "title": lambda seen: seen.file.title,
    "title_natural": lambda seen: _natural(seen.file.title),
}


def _sorted(found: list[Seen], order: str) -> list[Seen]:
    for part in reversed([part for part in order.split(",") if part.strip()]):
        name, _, way = part.strip().partition(" ")
        if name not in _KEYS or way not in ("", "desc"):
            raise Refused(400, "invalid", f"Sort order is not supported: {part}", "orderBy")
        found = sorted(found, key=_KEYS[name], reverse=way == "desc")
    return found


def _natural(text: str) -> list[tuple[bool, int, str]]:
    parts = re.findall(r"\d+|\D+", text.casefold())
    return [(not p.isdigit(), int(p) if p.isdigit() else 0, p) for p in parts]
