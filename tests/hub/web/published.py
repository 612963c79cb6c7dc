"""A course whose materials the web service's tests send in and publish."""

from __future__ import annotations

import io
import json
import re
from datetime import UTC, datetime
from typing import Any

import aiohttp

from hub import courses, members
from hub.audit import By
from hub.courses import Wish
from hub.enums import Role
from hub.materials import places
from hub.materials.places import Place
from hub.powers import Actor
from tests.hub.web.conftest import Site

TESS = Actor("tess", Role.TEACHER)
HERE = "/courses/ds-24/materials"
JSON = {"Accept": "application/json"}


def by(name: str = "tess") -> By:
    return By(name, datetime.now(UTC))


def with_folder(site: Site, slug: str = "ds-24") -> Place:
    """The course's folder, as node makes it."""
    place = places.of(site.data_dir, slug)
    place.shared.mkdir(parents=True)
    place.intakes.mkdir()
    return place


def taught(site: Site) -> Place:
    """Tess teaches ds-24, where mia is; tim teaches another; ada is in none."""
    site.add("tim", Role.TEACHER)
    site.add("mia")
    site.store.decide(courses.make, TESS, "ds-24", Wish("Data Science"), by())
    site.store.decide(members.join, Actor("mia", Role.STUDENT), "ds-24", "", by("mia"))
    site.store.decide(courses.make, Actor("tim", Role.TEACHER), "algebra", Wish("X"), by("tim"))
    return with_folder(site)


def form(
    data: bytes | io.BytesIO, name: str = "labs.zip", adds: bool = False, **more: str
) -> aiohttp.FormData:
    """As the page's form is sent."""
    fields = aiohttp.FormData(quote_fields=False)
    for key, value in more.items():
        fields.add_field(key, value)
    fields.add_field("file", data, filename=name, content_type="application/octet-stream")
    if adds:
        fields.add_field("adds", "1")
    return fields


async def send(
    site: Site, body: Any, token: str = "tess-token", path: str = f"{HERE}/upload", **headers: str
) -> tuple[int, str, str]:
    """Status, answer, and where it leads."""
    headers["Authorization"] = f"token {token}"
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.post(site.url + path, data=body, allow_redirects=False) as answer,
    ):
        return answer.status, await answer.text(), answer.headers.get("Location", "")


async def uploaded(
    site: Site, data: bytes | io.BytesIO, name: str = "labs.zip", adds: bool = False
) -> str:
    """The intake's id."""
    status, page, where = await send(site, form(data, name, adds))
    assert status == 303, page
    return where.rsplit("/", 1)[1]


async def base_of(site: Site, id_: str) -> str:
    """What the page says that it compares with."""
    _, page, _ = await site.get(f"{HERE}/intakes/{id_}", "tess-token")
    return re.search(r'name="base" value="(\w*)"', page)[1]


async def publish(site: Site, id_: str, message: str = "", token: str = "tess-token") -> int:
    fields = [("action", "publish"), ("base", await base_of(site, id_)), ("message", message)]
    status, _ = await site.post(f"{HERE}/intakes/{id_}", token, fields)
    return status


async def published(site: Site, data: bytes, message: str = "", **how: Any) -> str:
    id_ = await uploaded(site, data, **how)
    assert await publish(site, id_, message) == 303
    return id_


async def told(site: Site, path: str = "", token: str = "tess-token") -> dict[str, Any]:
    status, body, _ = await site.get(HERE + path, token, **JSON)
    assert status == 200, body
    found: dict[str, Any] = json.loads(body)
    return found
