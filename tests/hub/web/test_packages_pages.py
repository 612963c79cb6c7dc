"""The pages of extra packages: for teachers all of it, for students what they find."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from hub.materials import layers
from hub.materials.layers import Built, Wanted
from hub.materials.packages import settle
from hub.models import audit
from tests.hub.web.conftest import Site
from tests.hub.web.published import HERE, JSON, taught, told

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def place(site: Site):
    return taught(site)


class Builds:
    """What housekeeping does, in its place."""

    def __init__(self, site: Site) -> None:
        self.store, self.now = site.store, datetime.now(UTC) - timedelta(hours=1)

    def later(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def want(self, key: str, number: int = 1, problem: str = "") -> None:
        wanted = Wanted(number, "tess", "image", key, f"{key}\n", problem)
        self.store.decide(settle, "ds-24", wanted, self.later())

    def begin(self):
        return self.store.decide(layers.begin, self.later())

    def good(self, *names: str) -> None:
        built = Built(names, 7, 5 * 2**20, "Collecting all")
        self.store.decide(layers.ready, self.begin(), built, self.later())

    def bad(self) -> None:
        problem = f"pip could not. {EVIL}"
        self.store.decide(layers.failed, self.begin(), problem, f"log {EVIL}", self.later())


@pytest.fixture
def builds(site: Site, place) -> Builds:
    return Builds(site)


async def test_without_a_list_it_is_explained(site: Site, builds: Builds) -> None:
    for path in (HERE, f"{HERE}/packages"):
        status, page, _ = await site.get(path, "tess-token")
        assert status == 200
        assert "requirements.txt at the top of the materials" in page
    assert (await told(site, "/packages"))["state"] == "none"
    assert (await told(site))["packages"] is None
    assert "Build again" not in page


async def test_a_build_is_followed_with_and_without_scripts(site: Site, builds: Builds) -> None:
    builds.want("a")
    _, page, _ = await site.get(f"{HERE}/packages", "tess-token")
    assert "Waiting for its turn" in page
    assert 'http-equiv="refresh"' in page
    layer = builds.begin()
    builds.store.decide(layers.say, layer.id, f"Collecting {EVIL}")
    _, page, _ = await site.get(f"{HERE}/packages", "tess-token")
    assert "Being built" in page
    assert "Collecting &lt;script&gt;" in page
    assert EVIL not in page
    found = await told(site, "/packages")
    assert (found["state"], found["log"]) == ("building", f"Collecting {EVIL}")
    assert "Build again" not in page


async def test_what_is_in_use_is_listed(site: Site, builds: Builds) -> None:
    builds.want("a", 3)
    builds.good("a==1.0", "b==2")
    _, page, _ = await site.get(HERE, "tess-token")
    assert "2 packages in use" in page
    assert "5 MiB" in page
    _, page, _ = await site.get(f"{HERE}/packages", "tess-token")
    assert "a==1.0" in page
    assert "Build again" in page
    found = (await told(site))["packages"]
    assert (found["packages"], found["state"], found["version"]) == (["a==1.0", "b==2"], "ready", 3)


async def test_a_failure_shows_its_log_and_what_sessions_get(site: Site, builds: Builds) -> None:
    builds.want("a", 1)
    builds.good("a==1.0")
    builds.want("b", 2)
    builds.bad()
    _, page, _ = await site.get(f"{HERE}/packages", "tess-token")
    assert "packages of version 2 could not be built" in page
    assert "Sessions still get those of version 1" in page
    assert "log &lt;script&gt;" in page
    assert EVIL not in page
    _, page, _ = await site.get(HERE, "tess-token")
    assert "could not be built" in page
    assert EVIL not in page


async def test_a_teacher_builds_again(site: Site, builds: Builds) -> None:
    builds.want("a")
    builds.bad()
    status, _ = await site.post(f"{HERE}/packages", "tess-token")
    assert status == 303
    assert (await told(site, "/packages"))["state"] == "waiting"
    status, page = await site.post(f"{HERE}/packages", "tess-token")
    assert status == 409
    assert "being built already" in page
    status, body = await site.post(f"{HERE}/packages", "tess-token", **JSON)
    assert status == 409
    assert "being built already" in json.loads(body)["message"]
    with site.store.reading() as tx:
        query = sa.select(audit.c.who, audit.c.detail).where(
            audit.c.what == "course.packages_again"
        )
        assert [tuple(row) for row in tx.execute(query)] == [("tess", "ds-24")]


async def test_students_see_what_they_find_and_not_how_it_came(site: Site, builds: Builds) -> None:
    _, page, _ = await site.get("/courses/ds-24", "mia-token")
    assert "extra package" not in page
    builds.want("a")
    builds.good("a==1.0")
    builds.want("b")
    builds.bad()
    _, page, _ = await site.get("/courses/ds-24", "mia-token")
    assert "Its notebooks find 1 extra package." in page
    _, page, _ = await site.get(HERE, "mia-token")
    assert "a==1.0" in page
    assert "could not be built" not in page
    assert (await told(site, token="mia-token"))["packages"] == {"packages": ["a==1.0"]}
    for token in ("mia-token", "tim-token", "ada-token"):
        assert (await site.get(f"{HERE}/packages", token))[0] in (403, 404)
        assert (await site.post(f"{HERE}/packages", token))[0] in (403, 404)
    assert not any(one.under_way for one in site.store.read(layers.of_course, "ds-24"))
