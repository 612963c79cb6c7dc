"""Materials in the browser's place: sent in, looked at, published, undone; and what is refused."""

from __future__ import annotations

import asyncio
import json
import os
import re
import stat
import threading
import time
import tracemalloc
import zipfile
from collections.abc import AsyncIterator
from contextlib import suppress

import aiohttp
import pytest
import sqlalchemy as sa
from yarl import URL

from hub import courses, members, orders
from hub.enums import Role
from hub.materials import changes, rendering
from hub.materials.places import Place
from hub.materials.repository import MAIN, Repository
from hub.models import audit
from hub.powers import Actor
from hub.web import material_upload
from tests.hub.materials.trees import cell, notebook, zipped
from tests.hub.web.conftest import Site
from tests.hub.web.published import (
    HERE,
    JSON,
    TESS,
    base_of,
    by,
    form,
    publish,
    published,
    send,
    taught,
    told,
    uploaded,
)

EVIL = "<script>alert(1)<\\script>".replace("\\", "")
MIB = 2**20
FIRST = {"lab 1.ipynb": notebook(cell("x = 1", id_="a")), "data/../../x": b""}
LAB = {"week 1/lab#1.ipynb": notebook(cell("x = 1", id_="a"), cell("y", id_="b")), "b.py": b"1"}
LAB2 = {"week 1/lab#1.ipynb": notebook(cell("x = 2", id_="a"), cell("y", id_="b")), "c.py": b"1"}


@pytest.fixture
def place(site: Site) -> Place:
    return taught(site)


def _files(place: Place) -> set[str]:
    course = Repository(place.repository)
    main = course.commit_at(MAIN)
    return set(course.paths(main)) if main else set()


def _lines(site: Site, what: str) -> list[tuple[str, str]]:
    with site.store.reading() as tx:
        found = tx.execute(sa.select(audit).where(audit.c.what == what)).all()
    return [(one.who, one.detail) for one in found]


async def test_an_upload_is_looked_at_and_published(site: Site, place: Place) -> None:
    id_ = await uploaded(site, zipped(LAB))
    status, page, _ = await site.get(f"{HERE}/intakes/{id_}", "tess-token")
    assert status == 200 and "week 1/lab#1.ipynb" in page and "all of it is new" in page
    assert "lab%231.ipynb" in page and _files(place) == set()
    _, page, _ = await site.get(HERE, "tess-token")
    assert f"intakes/{id_}" in page and "uploaded: labs.zip" in page
    assert await publish(site, id_, "The first week") == 303
    assert _files(place) == {*LAB} and list(place.intakes.iterdir()) == []
    _, page, _ = await site.get(f"{HERE}?done=published", "tess-token")
    assert "Version 1 is published." in page and "The first week" in page
    assert _lines(site, "course.published") == [("tess", "ds-24: version 1")]


async def test_a_second_version_shows_its_files_and_cells(site: Site, place: Place) -> None:
    await published(site, zipped(LAB))
    id_ = await uploaded(site, zipped(LAB2))
    found = await told(site, f"/intakes/{id_}")
    fates = {one["path"]: one["fate"] for one in found["changes"]}
    assert fates["week 1/lab#1.ipynb"] == "changed" and len(found["changes"]) == 2
    path = f"{HERE}/intakes/{id_}/changes?path=week+1/lab%231.ipynb"
    _, page, _ = await site.get(path, "tess-token")
    assert "1 cell differs." in page and "<ins" in page and "<del" in page and "x = 2" in page
    _, body, _ = await site.get(path, "tess-token", **JSON)
    (change,) = json.loads(body)["cells"]["changes"]
    assert [line["mark"] for line in change["lines"]] == ["removed", "added"]
    assert await publish(site, id_) == 303
    found = await told(site, "/versions/2/changes?path=week+1/lab%231.ipynb", "mia-token")
    assert found["cells"]["changes"][0]["lines"][1]["text"] == "x = 2"


async def test_one_notebook_keeps_the_other_files(site: Site, place: Place) -> None:
    await published(site, zipped(LAB))
    await published(site, notebook(cell("z")), name="new.ipynb", adds=True)
    assert _files(place) == {*LAB, "new.ipynb"}


async def test_members_see_versions_and_no_more(site: Site, place: Place) -> None:
    await published(site, zipped(LAB), "Week one")
    waiting = await uploaded(site, zipped({"secret.txt": b"s"}))
    _, page, _ = await site.get(HERE, "mia-token")
    assert "Week one" in page and "labs.zip" not in page and waiting not in page
    assert "/upload" not in page and "Undo" not in page
    assert set(await told(site, "", "mia-token")) == {"versions", "packages"}
    _, page, _ = await site.get(f"{HERE}/versions/1", "mia-token")
    assert "b.py" in page and "labs.zip" not in page and "2 files in it" in page
    for number in ("2", "0", "x", "9" * 40, "-1", "%D9%A1"):
        status, _, _ = await site.get(f"{HERE}/versions/{number}", "mia-token")
        assert status == 404, number


@pytest.mark.parametrize("token", ["mia-token", "ada-token", "tim-token", "stranger-token"])
async def test_who_does_not_teach_the_course_publishes_nothing(
    site: Site, place: Place, token: str
) -> None:
    await published(site, zipped(LAB))
    id_ = await uploaded(site, zipped(LAB2))
    order = await _ordered(site, ("path", "x"), source="session")
    base = await base_of(site, id_)
    for path in (f"/intakes/{id_}", f"/intakes/{id_}/changes?path=a.ipynb", f"/orders/{order}",
                 f"/intakes/{id_}/notebook?path=a.ipynb", "/undo", "/upload", "/order",
                 f"/intakes/{id_}/rendered?path=week+1/lab%231.ipynb"):  # fmt: skip
        status, page, _ = await site.get(HERE + path, token)
        assert status in (403, 404), path
        assert "x = 2" not in page
    for path, fields in (
        (f"/intakes/{id_}", [("action", "publish"), ("base", base)]),
        (f"/intakes/{id_}", [("action", "discard")]),
        ("/undo", [("base", base)]),
        ("/order", [("source", "session"), ("path", "x")]),
    ):
        status, _ = await site.post(HERE + path, token, fields)
        assert status in (403, 404), path
    status, _, _ = await send(site, form(zipped(LAB)), token)
    assert status in (403, 404)
    if token not in ("mia-token",):
        for path in ("", "/versions/1", "/versions/1/rendered?path=week+1/lab%231.ipynb"):
            status, page, _ = await site.get(HERE + path, token)
            assert status in (403, 404) and "x = 1" not in page
    assert _files(place) == {*LAB} and [p.name for p in place.intakes.iterdir()] == [f"{id_}.git"]
    assert len(await _versions(site)) == 1


async def _versions(site: Site) -> list[int]:
    return [one["number"] for one in (await told(site))["versions"]]


async def test_what_is_refused_is_on_record(site: Site, place: Place) -> None:
    await send(site, form(zipped(LAB)), "tim-token")
    await site.post(f"{HERE}/undo", "mia-token", [])
    await site.post(f"{HERE}/order", "mia-token", [("source", "session"), ("path", "x")])
    await site.post(f"{HERE}/intakes/{'0' * 16}", "tim-token", [("action", "publish")])
    found = _lines(site, "refused")
    assert [who for who, _ in found] == ["tim", "mia", "mia", "tim"]
    assert all("ds-24" in detail for _, detail in found)


async def _ordered(site: Site, *fields: tuple[str, str], source: str) -> str:
    status, page = await site.post(
        f"{HERE}/order", "tess-token", [("source", source), *fields], **JSON
    )
    assert status == 200, page
    id_: str = json.loads(page)["id"]
    return id_


async def test_an_order_is_waited_for_and_leads_to_its_preview(site: Site, place: Place) -> None:
    fields = [("source", "session"), ("path", "/content/ml/week1"), ("message", "Hello")]
    async with (
        aiohttp.ClientSession(headers={"Authorization": "token tess-token"}) as http,
        http.post(f"{site.url}{HERE}/order", data=fields, allow_redirects=False) as answer,
    ):
        assert answer.status == 303
        where = answer.headers["Location"].removeprefix("/services/carrel")
    _, page, _ = await site.get(where, "tess-token")
    assert "ml/week1" in page and "Waiting for its turn" in page and 'http-equiv="refresh"' in page
    _, page, _ = await site.get(HERE, "tess-token")
    assert "being read" in page
    order = site.store.decide(orders.begin)
    found = await told(site, f"/orders/{order.id}")
    assert found["state"] == "reading"
    id_ = await uploaded(site, zipped(LAB))  # as housekeeping makes one
    site.store.decide(orders.ready, order.id, id_)
    status, _, headers = await site.get(where, "tess-token")
    assert status == 303 and headers["Location"].endswith(f"/intakes/{id_}")
    _, page, _ = await site.get(f"{HERE}/intakes/{id_}", "tess-token")
    assert ">Hello</textarea>" in page
    assert await publish(site, id_) == 303
    assert site.store.read(orders.of_course, "ds-24") == []


async def test_an_order_that_failed_says_why_and_fills_the_form_again(
    site: Site, place: Place
) -> None:
    id_ = await _ordered(
        site, ("address", "https://git.example/a"), ("branch", "dev"),
        ("adds", "1"), source="git",
    )  # fmt: skip
    site.store.decide(orders.failed, id_, f"There is no branch {EVIL}.")
    _, page, _ = await site.get(f"{HERE}/orders/{id_}", "tess-token")
    assert "There is no branch" in page and "<script>alert" not in page
    again = re.search(r'href="([^"]+\?address[^"]+)"', page)[1].replace("&amp;", "&")
    _, page, _ = await site.get(again.removeprefix("/services/carrel"), "tess-token")
    assert 'value="https://git.example/a"' in page and 'value="dev"' in page
    assert re.search(r'id="keeps-git" name="adds" value="1" checked', page)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ([("source", "session"), ("path", "../x")], "not one within your files"),
        ([("source", "session"), ("path", "")], "cannot be published"),
        ([("source", "session"), ("path", EVIL + "\n")], ""),
        ([("source", "git"), ("address", "ext::sh -c id")], "not the address of a git"),
        ([("source", "git"), ("address", "file:///etc")], "not the address of a git"),
        ([("source", "git"), ("address", "https://u:p@host/x")], "holds a name or a password"),
        ([("source", "git"), ("address", "https://h/x"), ("branch", "--upload-pack=x")], "branch"),
        ([("source", "undo")], "Nothing can be published from there."),
        ([], "Nothing can be published from there."),
    ],
)
async def test_an_order_that_cannot_be_is_said_on_the_form(
    site: Site, place: Place, fields: list[tuple[str, str]], says: str
) -> None:
    status, page = await site.post(f"{HERE}/order", "tess-token", fields)
    if says:
        assert status == 400 and says in page and "Nothing was published" in page
        for name, value in fields[1:]:
            assert not value or value in page, name
    assert "<script>alert" not in page


async def test_the_pages_path_fills_the_form(site: Site, place: Place) -> None:
    _, page, _ = await site.get(f"{HERE}?path=ml/a%22%3E%3Cb.ipynb", "tess-token")
    assert 'value="ml/a&#34;&gt;&lt;b.ipynb"' in page
    assert re.search(r'id="keeps-session" name="adds" value="1" checked', page)
    _, page, _ = await site.get(f"{HERE}?path=ml", "tess-token")
    assert not re.search(r'id="keeps-session" name="adds" value="1" checked', page)


async def test_names_with_markup_are_text_everywhere(site: Site, place: Place) -> None:
    name = f'{EVIL}"&.ipynb'.replace("/", "")
    hostile = notebook(cell(EVIL), cell(EVIL, "markdown"))
    id_ = await uploaded(site, zipped({name: hostile}), f"{EVIL}&.zip")
    quoted = URL.build(query={"path": name}).raw_query_string
    pages = [HERE, f"{HERE}/intakes/{id_}", f"{HERE}/intakes/{id_}/notebook?{quoted}",
             f"{HERE}/intakes/{id_}/rendered?{quoted}",
             f"{HERE}/intakes/{id_}/changes?{quoted}"]  # fmt: skip
    for path in pages:
        status, page, _ = await site.get(path, "tess-token")
        assert status == 200 and "<script>alert" not in page, path
    assert await publish(site, id_, EVIL) == 303
    for path in (HERE, f"{HERE}/versions/1", f"{HERE}/versions/1/rendered?{quoted}",
                 f"{HERE}/undo"):  # fmt: skip
        status, page, _ = await site.get(path, "tess-token")
        assert status == 200 and "<script>alert" not in page, path


async def test_a_rendered_notebook_is_alone_and_brings_no_cookie(site: Site, place: Place) -> None:
    await published(site, zipped(LAB))
    for path in ("week+1/lab%231.ipynb", "nothing.ipynb", "b.py"):
        _, page, headers = await site.get(f"{HERE}/versions/1/rendered?path={path}", "mia-token")
        assert {name: headers[name] for name in rendering.HEADERS} == rendering.HEADERS
        assert "Set-Cookie" not in headers and "carrel.css" not in page
    _, _, headers = await site.get(f"{HERE}/versions/1/notebook?path=a.ipynb", "mia-token")
    assert headers["Content-Security-Policy"].endswith("frame-src 'self'")
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["", "nothing.py", "../x.ipynb", "%00.ipynb", "x" * 3000 + ".py"])
async def test_only_files_of_the_list_are_opened(site: Site, place: Place, path: str) -> None:
    await published(site, zipped(LAB))
    for page in ("changes", "rendered"):
        status, _, _ = await site.get(f"{HERE}/versions/1/{page}?path={path}", "mia-token")
        assert status == 404, page
    status, _, _ = await site.get(f"{HERE}/versions/1/changes?path=b.py", "mia-token")
    assert status == 404


async def test_other_files_are_shown_as_text_as_pictures_or_by_their_size(
    site: Site, place: Place
) -> None:
    png = b"\x89PNG\r\n\x1a\n" + bytes(40)
    files = {"a.py": b"x < 1", "b.html": EVIL.encode(), "c.svg": f"<svg>{EVIL}</svg>".encode(),
             "d.csv": png, "e.bin": bytes(3_000_000)}  # fmt: skip
    id_ = await uploaded(site, zipped(files | LAB))
    says = {"a.py": "x &lt; 1", "b.html": "&lt;script&gt;", "c.svg": "&lt;svg&gt;",
            "d.csv": '<img alt="d.csv" src="data:image/png;base64,', "e.bin": "3.0 MB"}  # fmt: skip

    async def look(below: str, token: str) -> None:
        _, page, _ = await site.get(f"{HERE}/{below}", token)
        for path, text in says.items():
            assert f"{below}/notebook?path={path}" in page
            at = f"{HERE}/{below}/rendered?path={path}"
            status, page_, headers = await site.get(at, token)
            assert status == 200 and text in page_ and "<script" not in page_, path
            assert headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
            assert headers["Content-Type"].startswith("text/html")
            status, page_, _ = await site.get(f"{HERE}/{below}/notebook?path={path}", token)
            assert status == 200 and "The file as it is" in page_

    await look(f"intakes/{id_}", "tess-token")
    assert await publish(site, id_) == 303
    await look("versions/1", "mia-token")


async def test_whoever_asks_for_too_much_at_a_time_is_told_when_to_come_back(
    site: Site, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    await published(site, zipped(LAB))
    go, page_of = threading.Event(), rendering.of_version

    def slow(*arguments: str) -> bytes:
        go.wait(10)
        return page_of(*arguments)

    monkeypatch.setattr(rendering, "of_version", slow)
    asked = [
        asyncio.create_task(site.get(f"{HERE}/versions/1/rendered?path=b.py", "mia-token"))
        for _ in range(6)
    ]
    done, waiting = await asyncio.wait(asked, timeout=3)
    assert {task.result()[0] for task in done} == {429} and len(waiting) == 4
    for task in done:
        _, page, headers = task.result()
        assert headers["Retry-After"] == "5" and "Several pages of yours" in page
    assert (await site.get(f"{HERE}/versions/1", "mia-token", **JSON))[0] == 429
    status, _, _ = await site.get(f"{HERE}/versions/1", "tess-token", **JSON)
    assert status == 200
    go.set()
    assert {(await task)[0] for task in waiting} == {200}


async def test_undo_gives_the_files_before_and_is_done_once(site: Site, place: Place) -> None:
    await published(site, zipped(LAB))
    await published(site, zipped(LAB2))
    _, page, _ = await site.get(f"{HERE}/undo", "tess-token")
    base = re.search(r'name="base" value="(\w+)"', page)[1]
    answers = await asyncio.gather(
        *(site.post(f"{HERE}/undo", "tess-token", [("base", base)]) for _ in range(3))
    )
    assert sorted(status for status, _ in answers) == [303, 409, 409]
    refused = next(page for status, page in answers if status == 409)
    assert "Somebody published meanwhile." in refused and "Undo version 3?" in refused
    assert _files(place) == {*LAB} and await _versions(site) == [3, 2, 1]
    assert _lines(site, "course.undone") == [("tess", "ds-24: version 3, Version 2 undone")]


async def test_undo_of_nothing_says_so(site: Site, place: Place) -> None:
    assert (await site.get(f"{HERE}/undo", "tess-token"))[0] == 404
    status, page = await site.post(f"{HERE}/undo", "tess-token", [("base", "")])
    assert status == 404 and "Nothing has been published yet." in page


async def test_published_twice_at_once_is_published_once(site: Site, place: Place) -> None:
    id_ = await uploaded(site, zipped(LAB))
    fields = [("action", "publish"), ("base", "")]
    answers = await asyncio.gather(
        *(site.post(f"{HERE}/intakes/{id_}", "tess-token", fields) for _ in range(3))
    )
    statuses = sorted(status for status, _ in answers)
    assert statuses[0] == 303 and set(statuses[1:]) <= {404, 409}
    assert await _versions(site) == [1]
    assert len(_lines(site, "course.published")) == 1


async def test_whoever_is_overtaken_is_told_and_looks_again(site: Site, place: Place) -> None:
    mine = await uploaded(site, zipped(LAB2))
    added = await uploaded(site, notebook(cell("z")), "new.ipynb", adds=True)
    await published(site, zipped(LAB))
    fields = [("action", "publish"), ("base", ""), ("message", f"Mine {EVIL}")]
    status, page = await site.post(f"{HERE}/intakes/{mine}", "tess-token", fields)
    assert status == 409 and "Somebody published meanwhile." in page and "Mine &lt;" in page
    assert await publish(site, mine) == 303  # the page compares with what there is now
    _, page, _ = await site.get(f"{HERE}/intakes/{added}", "tess-token")
    assert "Throw it away and send it again." in page and 'value="publish"' not in page
    status, _ = await site.post(f"{HERE}/intakes/{added}", "tess-token", [("action", "discard")])
    assert status == 303 and list(place.intakes.iterdir()) == []


async def test_what_changes_nothing_is_not_published(site: Site, place: Place) -> None:
    await published(site, zipped(LAB))
    id_ = await uploaded(site, zipped(LAB))
    _, page, _ = await site.get(f"{HERE}/intakes/{id_}", "tess-token")
    assert "Nothing differs" in page and 'value="publish"' not in page
    assert await publish(site, id_) == 409


async def test_a_co_teacher_decides_too(site: Site, place: Place) -> None:
    site.store.decide(members.add_teacher, TESS, "ds-24", "tim", by())
    id_ = await uploaded(site, zipped(LAB))
    assert await publish(site, id_, token="tim-token") == 303
    assert _lines(site, "course.published") == [("tim", "ds-24: version 1")]


async def test_an_archived_course_is_only_read(site: Site, place: Place) -> None:
    await published(site, zipped(LAB))
    id_ = await uploaded(site, zipped(LAB2))
    base = await base_of(site, id_)
    site.store.decide(courses.archive, TESS, "ds-24", by())
    for path in ("", f"/intakes/{id_}", "/versions/1", "/undo"):
        status, page, _ = await site.get(HERE + path, "tess-token")
        assert status == 200 and ("rchived" in page or path == "/versions/1"), path
        assert "<form" not in page, path
    for path, fields in (
        (f"/intakes/{id_}", [("action", "publish"), ("base", base)]),
        (f"/intakes/{id_}", [("action", "discard")]),
        ("/undo", [("base", base)]), ("/order", [("source", "session"), ("path", "x")]),
    ):  # fmt: skip
        status, page = await site.post(HERE + path, "tess-token", fields)
        assert status == 409 and "archived" in page, path
    status, page, _ = await send(site, form(zipped(LAB)))
    assert status == 409 and "archived" in page
    assert _files(place) == {*LAB}


async def test_a_course_without_its_folder_says_in_a_moment(site: Site) -> None:
    site.store.decide(courses.make, TESS, "ds-24", courses.Wish("New"), by())
    status, page, _ = await site.get(HERE, "tess-token")
    assert status == 200 and "still being made. In a moment" in page and "/upload" not in page
    status, page, _ = await send(site, form(zipped(LAB)))
    assert status == 503 and "still being made" in page


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("x.exe", b"MZ", "neither a notebook"),
        (f"{EVIL}.exe", b"MZ", "neither a notebook"),
        ("x.zip", b"PK", "is no zip"),
        ("x.ipynb", b"<html>", "is no notebook"),
        ("x.zip", zipped({"../a": b""}), "leads out of the folder"),
        ("x.zip", zipped({f"f{n}": bytes(20 * MIB) for n in range(4)}), "far larger than what"),
        ("", b"x", "No file came."),
    ],
)
async def test_a_bad_file_is_said_on_the_form_and_leaves_nothing(
    site: Site, place: Place, name: str, data: bytes, says: str
) -> None:
    status, page, _ = await send(site, form(data, name))
    assert status == 400 and says in page and "<script>alert" not in page
    status, body, _ = await send(site, form(data, name), **JSON)
    assert status == 400 and json.loads(body)["message"]
    assert list(place.intakes.iterdir()) == []


TYPE = "multipart/form-data; boundary=xYz"
HEAD = b'--xYz\r\nContent-Disposition: form-data; name="file"; filename="a.zip"\r\n\r\n'


async def _pieces(size: int, sent: list[int], pause_s: float = 0) -> AsyncIterator[bytes]:
    yield HEAD
    for _ in range(size // MIB):
        sent[0] += MIB
        yield bytes(MIB)
        await asyncio.sleep(pause_s)
    yield b"\r\n--xYz--\r\n"


async def test_what_is_too_large_is_refused_before_it_is_sent(site: Site, place: Place) -> None:
    sent = [0]
    headers = {"Content-Type": TYPE, "Content-Length": str(200 * MIB),
               "Authorization": "token tess-token", "Expect": "100-continue"}  # fmt: skip
    begun = time.monotonic()
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.post(f"{site.url}{HERE}/upload", data=_pieces(200 * MIB, sent)) as answer,
    ):
        assert answer.status == 400 and "more than 100 MB" in await answer.text()
    assert time.monotonic() - begun < 5 and sent[0] < 20 * MIB
    assert list(place.intakes.iterdir()) == []
    assert (await send(site, form(zipped(LAB))))[0] == 303


async def test_what_does_not_say_its_length_ends_at_the_limit(
    site: Site, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(material_upload.Upload, "most_bytes", 2 * MIB)
    sent = [0]
    headers = {"Content-Type": TYPE,
               "Authorization": "token tess-token"}  # fmt: skip
    async with aiohttp.ClientSession(headers=headers) as http:
        with pytest.raises((aiohttp.ClientError, AssertionError)):
            async with http.post(
                f"{site.url}{HERE}/upload", data=_pieces(50 * MIB, sent)
            ) as answer:
                assert answer.status == 200
    assert list(place.intakes.iterdir()) == []


async def test_an_upload_is_not_kept_in_memory(site: Site, place: Place) -> None:
    """40 MB that cannot be packed, through the real server; the peak of Python's own memory."""
    body = zipped({"big.bin": os.urandom(40 * MIB)}, zipfile.ZIP_STORED)

    async def pieces() -> AsyncIterator[bytes]:
        yield HEAD
        for at in range(0, len(body), MIB):
            yield body[at : at + MIB]
        yield b"\r\n--xYz--\r\n"

    tracemalloc.start()
    try:
        status, _, where = await send(site, pieces(), **{"Content-Type": TYPE})
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert status == 303 and peak < 12 * MIB
    id_ = where.rsplit("/", 1)[1]
    assert (await told(site, f"/intakes/{id_}"))["bytes"] == 40 * MIB


async def test_one_person_uploads_one_thing_at_a_time_and_breaks_off_freely(
    site: Site, place: Place
) -> None:
    sent = [0]
    headers = {"Content-Type": TYPE,
               "Authorization": "token tess-token"}  # fmt: skip

    async def slowly() -> None:
        async with (
            aiohttp.ClientSession(headers=headers) as http,
            http.post(f"{site.url}{HERE}/upload", data=_pieces(50 * MIB, sent, 0.2)),
        ):
            pass

    task = asyncio.create_task(slowly())
    for _ in range(200):
        await asyncio.sleep(0.05)
        if sent[0] >= 2 * MIB:
            break
    status, page, _ = await send(site, form(zipped(LAB)))
    assert status == 409 and "under way already" in page
    task.cancel()
    for _ in range(50):
        status, _, _ = await send(site, form(zipped(LAB)))
        if status == 303:
            break
        await asyncio.sleep(0.1)
    assert status == 303
    assert len(list(place.intakes.iterdir())) == 1


async def _logged_in(site: Site, http: aiohttp.ClientSession) -> None:
    """A browser's login: a cookie, as the hub's client keeps it."""
    async with http.get(f"{site.url}/admin", allow_redirects=False) as answer:
        state = re.search(r"state=([^&]+)", answer.headers["Location"])[1]
    callback = URL(f"{site.url}/oauth_callback?code=c&state={state}", encoded=True)
    async with http.get(callback, allow_redirects=False) as answer:
        assert answer.status == 302


async def test_a_browsers_upload_needs_its_forms_token_before_the_file(
    site: Site, place: Place
) -> None:
    site.hub.models["student-token"] = site.hub.models["tess-token"]
    where = f"{site.url}{HERE}/upload"
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        await _logged_in(site, http)
        async with http.get(f"{site.url}{HERE}") as answer:
            token = re.search(r'name="_xsrf" value="([^"]+)"', await answer.text())[1]
        late = form(zipped(LAB))
        late.add_field("_xsrf", token)
        for body in (form(zipped(LAB)), form(zipped(LAB), _xsrf="x"), late):
            async with http.post(where, data=body, allow_redirects=False) as answer:
                assert answer.status == 403, await answer.text()
        for site_ in ("cross-site", "same-site"):
            other = {"Sec-Fetch-Site": site_}
            body = form(zipped(LAB), _xsrf=token)
            with suppress(aiohttp.ClientError):  # refused at once: it may not be able to read that
                async with http.post(where, data=body, headers=other) as answer:
                    assert answer.status == 403
        assert list(place.intakes.iterdir()) == []
        for path in ("/undo", f"/intakes/{'0' * 16}", "/order"):
            async with http.post(site.url + HERE + path, data={"action": "publish"}) as answer:
                assert answer.status == 403
        body = form(zipped(LAB), _xsrf=token)
        async with http.post(where, data=body, allow_redirects=False) as answer:
            assert answer.status == 303, await answer.text()
    async with (
        aiohttp.ClientSession() as http,
        http.post(where, data=form(zipped(LAB)), allow_redirects=False) as answer,
    ):
        assert answer.status == 302 and "/hub/api/oauth2" in answer.headers["Location"]


async def test_left_out_files_are_listed_with_their_reason(site: Site, place: Place) -> None:
    link = zipfile.ZipInfo(f"{EVIL}-link".replace("/", ""))
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    id_ = await uploaded(site, zipped({"a.txt": b"1", link: b"/etc/passwd"}))
    _, page, _ = await site.get(f"{HERE}/intakes/{id_}", "tess-token")
    assert "Left out" in page and "it is a link" in page and "<script>alert" not in page


async def test_nothing_is_found_under_names_that_no_intake_has(site: Site, place: Place) -> None:
    for id_ in ("0" * 16, "..", "x", "%2e%2e%2fx", "0" * 17):
        for path in (f"/intakes/{id_}", f"/orders/{id_}"):
            status, _, _ = await site.get(HERE + path, "tess-token")
            assert status == 404, path
        status, _ = await site.post(f"{HERE}/intakes/{id_}", "tess-token", [("action", "publish")])
        assert status == 404


async def test_an_admin_may_do_it_all(site: Site, place: Place) -> None:
    status, _, where = await send(site, form(zipped(LAB)), "root-token")
    assert status == 303
    id_ = where.rsplit("/", 1)[1]
    assert await publish(site, id_, token="root-token") == 303
    assert Actor("root", Role.ADMIN) and _lines(site, "course.published")[0][0] == "root"
    assert changes.of_version(place, Repository(place.repository).commit_at(MAIN)).base is None
