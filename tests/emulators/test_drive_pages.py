"""The emulator's pages in real Chromium: a phone and the keyboard are enough, axe finds nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
from axe_playwright_python.async_playwright import Axe
from drive_emulator.emulator import Emulator
from drive_emulator.grants import DRIVE, Client
from drive_emulator.model import FOLDER, GOOGLE, Access, Bytes, Edit, New
from drive_emulator.server import serving
from playwright.async_api import Page, async_playwright, expect

pytestmark = pytest.mark.browser
ANNA = Access("anna@example.org", "test")
LOOKS = [("light", {"width": 1200, "height": 850}), ("dark", {"width": 360, "height": 740})]
NASTY = '<b>it\'s "here"</b> & ' + "long" * 40 + ".txt"


class Place:
    """The emulator under a prefix, as behind Carrel's proxy."""

    def __init__(self, emulator: Emulator, url: str) -> None:
        self.emulator, self.store, self.url = emulator, emulator.store, f"{url}/demo-drive"
        self.back = f"{self.url}/my/back"

    def make(self, title: str, data: bytes = b"one", parent: str = "root") -> str:
        new = New(title, "text/plain", parent, blob=Bytes.of(data))
        return self.store.insert(ANNA, new).id

    def text(self, id_: str) -> bytes:
        head = self.store.get(ANNA, id_).file.head
        return head.blob.read(0, head.blob.size)


@pytest.fixture
def place() -> Iterator[Place]:
    emulator = Emulator()
    emulator.store.add_account("anna@example.org", "Anna")
    emulator.store.add_account("ben@example.org", "Ben")
    with serving(emulator, prefix="/demo-drive") as url:
        made = Place(emulator, url)
        emulator.add_client(Client("carrel", "secret", (made.back,)))
        yield made


@pytest.fixture(params=LOOKS, ids=lambda look: look[0])
async def page(request: pytest.FixtureRequest) -> AsyncIterator[Page]:
    program = shutil.which("chromium")
    assert program, "chromium is missing; ./carrel test installs it"
    scheme, size = request.param
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        context = await browser.new_context(viewport=size, color_scheme=scheme)
        page = await context.new_page()
        page.set_default_timeout(15_000)
        yield page
        await browser.close()


async def check(page: Page, name: str) -> None:
    found = (await Axe().run(page)).response["violations"]
    assert [(v["id"], [n["html"] for n in v["nodes"]]) for v in found] == [], name
    width = page.viewport_size["width"]
    assert await page.evaluate("document.documentElement.scrollWidth") <= width, name
    if folder := os.environ.get("SHOTS"):
        await page.screenshot(path=f"{folder}/drive-{name}-{width}.png", full_page=True)


async def test_consent_is_given_with_the_keyboard_alone(place: Place, page: Page) -> None:
    scope = f"{DRIVE} {DRIVE}.file"
    asked = {
        "client_id": "carrel", "redirect_uri": place.back, "response_type": "code",
        "scope": scope, "state": "st/ate", "access_type": "offline",
    }  # fmt: skip
    await page.goto(f"{place.url}/o/oauth2/v2/auth?{urlencode(asked)}")
    await check(page, "consent")
    await page.keyboard.press("Tab")
    await page.keyboard.press("ArrowDown")
    await expect(page.get_by_label("Ben")).to_be_checked()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Space")
    await expect(page.get_by_label("See, edit, create and delete all")).not_to_be_checked()
    for _ in range(3):
        await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Allow")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/my/back?**")
    back = parse_qs(urlsplit(page.url).query)
    assert back["state"] == ["st/ate"] and back["scope"] == [f"{DRIVE}.file"] and back["code"]
    [grant] = place.emulator.grants.open_ones()
    assert (grant.email, grant.scopes) == ("ben@example.org", (f"{DRIVE}.file",))


async def test_files_are_seen_edited_renamed_and_trashed(place: Place, page: Page) -> None:
    folder = place.store.insert(ANNA, New("Course", FOLDER)).id
    id_ = place.make("notes.txt", b"\n<one>\n", folder)
    place.make(NASTY)
    place.make("picture.bin", b"\0\1")
    place.store.insert(ANNA, New("Essay", GOOGLE + "document", text="words"))
    await page.goto(f"{place.url}/")
    await check(page, "people")
    await page.get_by_role("link", name="Anna").click()
    await expect(page.get_by_text(NASTY)).to_be_visible()
    await expect(page.get_by_role("link", name="Edit picture.bin")).to_have_count(0)
    await check(page, "folder")
    await page.get_by_role("link", name="Course").click()
    await page.get_by_role("link", name="Edit notes.txt").click()
    await check(page, "editor")
    text = page.get_by_label("Text")
    await expect(text).to_have_value("\n<one>\n")
    await text.fill("\n<one>\ntwo\n")
    await page.get_by_role("button", name="Save").click()
    await page.wait_for_url("**/my/?**")
    assert place.text(id_) == b"\n<one>\ntwo\n"
    await page.get_by_label("Rename notes.txt").click()
    await page.get_by_label("New name").fill("renamed.txt")
    await check(page, "renaming")
    await page.get_by_role("button", name="Rename", exact=True).click()
    await expect(page.get_by_text("renamed.txt")).to_be_visible()
    await page.get_by_role("button", name="Move to trash: renamed.txt").click()
    await expect(page.get_by_text("Nothing is in here.")).to_be_visible()
    assert place.store.get(ANNA, id_).trashed
    await page.get_by_role("link", name="Trash").click()
    await check(page, "trash")
    await page.get_by_role("button", name="Restore: renamed.txt").click()
    await expect(page.get_by_text("renamed.txt")).to_be_visible()


@pytest.mark.parametrize("page", LOOKS[1:], indirect=True)
async def test_files_are_uploaded_made_and_downloaded(
    place: Place, page: Page, tmp_path: Path
) -> None:
    data = bytes(range(256)) * 40
    files = [tmp_path / "größe 1.bin", tmp_path / "two.txt"]
    files[0].write_bytes(data)
    files[1].write_bytes(b"\r\n--x\r\n")
    await page.goto(f"{place.url}/my/?account=anna%40example.org")
    await page.get_by_text("Add something").click()
    await check(page, "adding")
    await page.get_by_label("Files to upload").set_input_files(files)
    await page.get_by_role("button", name="Upload", exact=True).click()
    await expect(page.get_by_text("größe 1.bin")).to_be_visible()
    kept = {s.file.title: place.text(s.id) for s in place.store.in_folder(ANNA, "root")}
    assert kept == {"größe 1.bin": data, "two.txt": b"\r\n--x\r\n"}
    async with page.expect_download() as waited:
        await page.get_by_role("link", name="Download größe 1.bin").click()
    got = await waited.value
    assert got.suggested_filename == "größe 1.bin"
    kept_at = await got.path()
    assert kept_at.read_bytes() == data
    await page.get_by_text("Add something").click()
    await page.get_by_label("Name of the new folder").fill("Sub")
    await page.get_by_role("button", name="New folder").click()
    await page.get_by_role("link", name="Sub", exact=True).click()
    await page.get_by_text("Add something").click()
    await page.get_by_label("Name of the new text file").fill("new.txt")
    await page.get_by_role("button", name="New text file").click()
    await expect(page.get_by_role("link", name="Edit new.txt")).to_be_visible()


@pytest.mark.parametrize("page", LOOKS[1:], indirect=True)
async def test_what_was_changed_elsewhere_meanwhile_is_not_overwritten(
    place: Place, page: Page
) -> None:
    id_ = place.make("a.txt")
    await page.goto(f"{place.url}/my/edit?account={quote(ANNA.email)}&id={id_}")
    place.store.update(ANNA, id_, Edit(blob=Bytes.of(b"theirs")))
    await page.get_by_label("Text").fill("mine")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("changed elsewhere meanwhile")).to_be_visible()
    await check(page, "not-saved")
    assert place.text(id_) == b"theirs"
    await page.goto(f"{place.url}/my/nowhere?account={quote(ANNA.email)}")
    await check(page, "no-page")
