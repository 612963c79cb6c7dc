"""The pages about Drive in real Chromium: axe finds nothing; a phone, a keyboard are enough."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.async_api import Page, Route, expect

from hub import drive_links, drive_reports, drive_syncs, sessions
from hub.audit import By
from hub.drive_bearers import Bearers
from hub.drive_links import Consent, Folder
from hub.enums import DriveScope
from tests.hub.web.conftest import Site
from tests.hub.web.test_pages_in_chromium import _check, page, school  # noqa: F401  fixtures

pytestmark = pytest.mark.browser
USER = "student1"
DEEP = "A rather long name of a folder that somebody made in the first week of the semester"


def _level(folders: list[tuple[str, str, int]], path: list[tuple[str, str]] = ()) -> dict[str, Any]:
    found = [
        {"id": i, "title": t, "files": n, "bytes": n * 5_000_000, "at_least": n > 1000}
        for i, t, n in folders
    ]
    steps = [{"id": i, "title": t} for i, t in path]
    return {"path": steps, "files": 3, "bytes": 1234, "more": 0, "whole": True, "folders": found}


@pytest.fixture
async def mine(school: Site, page: Page) -> Page:  # noqa: F811  the fixtures
    await page.context.set_extra_http_headers({"Authorization": f"token {USER}-token"})
    school.hub.drive = {
        "folders": {
            "root": _level(
                [("f1", "Data <b>2026</b>", 12), ("f2", DEEP, 3000), ("f3", "Thesis", 0)]
            ),
            "f1": _level([("f11", "Week 1", 2), ("f12", "Week 2", 4)], [("f1", "Data")]),
            "f11": _level([], [("f1", "Data"), ("f11", "Week 1")]),
        },
        "chosen": {
            id_: vars(Folder(id_, title, title, 1000, 2))
            for id_, title in (("f1", "Data"), ("f11", "Data/Week 1"), ("f12", "Data/Week 2"))
        },
        "whole": {"bytes": 5000},
        "unlink": {"revoked": True},
        "link": {"again": False},
    }
    return page


def link(site: Site, *folders: Folder) -> None:
    by = By(USER, datetime.now(UTC))
    consent = Consent("sealed", DriveScope.FULL, "student.one@school.example", "0Aroot")
    site.store.decide(drive_links.link, USER, consent, by)
    if folders:
        site.store.decide(drive_links.choose, USER, folders, False, by)


def tell(site: Site, ago: timedelta = timedelta(), **said: Any) -> None:
    """What the sidecar of their session told."""
    now = datetime.now(UTC)
    session = site.store.read(sessions.active_of, USER)
    if site.store.read(drive_syncs.of_session, session.id) is None:
        site.store.decide(drive_syncs.begin, USER, session.id, Bearers.of([b"k" * 32]), now)
    text = drive_reports.text(drive_reports.parse(json.dumps(said).encode()))
    site.store.decide(drive_syncs.report, session.id, text, now - ago)


async def test_not_set_up_not_connected_and_connected(school: Site, mine: Page) -> None:  # noqa: F811
    await mine.goto(f"{school.url}/drive")
    await expect(mine.get_by_role("button", name="Connect Google Drive")).to_be_visible()
    await _check(mine, "drive-connect")
    # The page's own policy lets its form lead to Google; what comes back leads to a clean address.
    asked = []

    async def google(route: Route) -> None:
        asked.append(route.request)
        await route.fulfill(body="<title>Google</title>", content_type="text/html")

    await mine.route("https://accounts.google.com/**", google)
    await mine.get_by_role("button", name="Connect Google Drive").press("Enter")
    await expect(mine).to_have_title("Google")
    said = parse_qs(urlsplit(asked[0].url).query)
    link(school)
    back = urlencode({"code": "4/secret-code", "state": said["state"][0]})
    await mine.goto(f"{school.url}/drive/callback?{back}")
    await expect(mine.get_by_role("status")).to_contain_text("Your Drive is connected.")
    assert mine.url == f"{school.url}/drive/choose?done=connected"
    await mine.goto(f"{school.url}/drive/callback?{back}")
    await expect(mine.get_by_role("alert")).to_contain_text("was used already")
    assert mine.url == f"{school.url}/drive"
    await _check(mine, "drive-refused")
    await mine.goto(f"{school.url}/drive")
    await expect(mine.get_by_text("choose folders first")).to_be_visible()
    await _check(mine, "drive-unchosen")
    await mine.get_by_role("button", name="Disconnect").press("Enter")
    await expect(mine.get_by_role("heading", name="Disconnect Google Drive?")).to_be_visible()
    await _check(mine, "drive-disconnect")


async def test_folders_are_chosen_in_a_tree_by_keyboard_alone(school: Site, mine: Page) -> None:  # noqa: F811
    link(school, Folder("f12", "Week 2", "Data/Week 2"))
    await mine.goto(f"{school.url}/drive/choose")
    await expect(mine.get_by_role("group", name="Chosen in other folders")).to_be_visible()
    await _check(mine, "drive-choose")
    opening = mine.get_by_role("button", name="Open Data <b>2026</b>")
    await opening.press("Enter")
    week1, week2 = (
        mine.get_by_role("checkbox", name="Week 1"),
        mine.get_by_role("checkbox", name="Week 2"),
    )
    await expect(week1).not_to_be_checked()
    await expect(week2).to_be_checked()  # and it stands in the tree alone
    await expect(mine.get_by_role("group", name="Chosen in other folders")).to_have_count(0)
    await week1.press("Space")
    await _check(mine, "drive-choose-open")
    await opening.press("Enter")
    await expect(week1).to_be_hidden()
    await opening.press("Enter")
    await mine.get_by_role("button", name="Save", exact=True).last.press("Enter")
    await expect(mine.get_by_role("status")).to_contain_text("Saved.")
    kept = school.store.read(drive_links.find, USER)
    assert {one.id for one in kept.folders} == {"f11", "f12"}


async def test_choosing_works_without_script(school: Site, mine: Page) -> None:  # noqa: F811
    link(school)
    await mine.route("**/*.js*", lambda route: route.abort())
    await mine.goto(f"{school.url}/drive/choose")
    await mine.get_by_role("button", name="Open Data <b>2026</b>").click()
    await mine.get_by_role("checkbox", name="Week 1").check()
    await mine.get_by_role("button", name="My Drive").click()
    await expect(mine.get_by_role("checkbox", name="Week 1")).to_be_checked()
    await mine.get_by_role("button", name="Save", exact=True).last.click()
    await expect(mine.get_by_role("status")).to_contain_text("Saved.")
    assert [one.id for one in school.store.read(drive_links.find, USER).folders] == ["f11"]


async def test_how_it_stands_is_shown_live_and_never_better_than_known(
    school: Site,  # noqa: F811
    mine: Page,
) -> None:
    link(school, Folder("f1", "Data", "Data", 60_000_000, 12), Folder("f2", DEEP, DEEP, 5, 1))
    now = datetime.now(UTC)
    many = {
        "state": "syncing", "files": 40, "up": {"files": 3, "size_bytes": 30_000_000},
        "up_total": {"files": 10, "size_bytes": 90_000_000}, "conflict_count": 2,
        "conflicts": [
            {"path": "Data/lab1.ipynb", "at": now.isoformat(),
             "copy": "Data/lab1 (conflict from this notebook, 2026-11-24 19.05).ipynb"},
            {"path": "Data/<i>x</i>.csv", "copy": "Data/" + "y" * 200, "at": now.isoformat()},
        ],
        "unsynced_count": 1, "unsynced": [{"path": "Data/huge.bin", "why": "It is being written."}],
        "skipped_count": 1, "skipped": [{"path": "Data/link", "why": "A symbolic link."}],
        "last_success_at": (now - timedelta(minutes=5)).isoformat(),
    }  # fmt: skip
    await mine.goto(f"{school.url}/drive")
    await expect(mine.get_by_text("The sync is starting")).to_be_visible()
    tell(school, **many)
    bar = mine.get_by_role("progressbar", name="To Drive")
    await expect(bar).to_have_attribute("value", "60000000", timeout=15_000)  # by itself
    await expect(mine.get_by_text("2 conflicts")).to_be_visible()
    await mine.get_by_text("What is not in Drive, and why").press("Enter")
    many["up"] = {"files": 2, "size_bytes": 10_000_000}
    tell(school, **many)
    await expect(bar).to_have_attribute("value", "80000000", timeout=15_000)
    await expect(mine.get_by_text("It is being written.")).to_be_visible()
    await _check(mine, "drive-syncing")
    tell(school, timedelta(minutes=3), **many)
    await mine.goto(f"{school.url}/drive")
    await expect(mine.get_by_text("Nothing is heard of the sync")).to_be_visible()
    await expect(mine.get_by_text("Files are on their way")).not_to_be_visible()
    await _check(mine, "drive-silent")
    tell(school, state="idle", files=43, last_success_at=now.isoformat())
    await mine.goto(f"{school.url}/drive")
    await expect(mine.get_by_text("Both sides are the same.")).to_be_visible()
    await _check(mine, "drive-in-step")
    tell(school, state="paused", pause="mass delete", pause_detail="412 of 500 files are gone.")
    await mine.goto(f"{school.url}/drive")
    await _check(mine, "drive-mass-delete")
    await mine.get_by_role("button", name="Yes, delete them").press("Enter")
    await expect(mine.get_by_role("status")).to_contain_text("The deletion goes on")
    assert school.store.read(drive_links.find, USER).confirmed_deletion_at
    lost = ("sealed", "Google does not let Carrel in any more.", By(USER, now))
    school.store.decide(drive_links.lose, USER, *lost)
    await mine.goto(f"{school.url}/drive")
    await expect(mine.get_by_role("button", name="Reconnect")).to_be_visible()
    await _check(mine, "drive-reconnect")
