"""A hostile notebook is looked at as a page on which nothing runs and nothing loads."""

from __future__ import annotations

import base64
import json
import re
import shutil
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from bs4 import BeautifulSoup
from playwright.async_api import async_playwright

from hub.materials import limited, pages, publishing, rendering
from hub.materials.bounded import Bounds
from hub.materials.limited import Job
from hub.materials.places import Place
from hub.materials.publishing import Wanted
from hub.store import Store
from spawner.errors import CarrelError, Code
from tests.hub.materials.trees import by, cell, notebook, take

PIXEL = base64.b64encode(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
        "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
    )
).decode()
EVIL = "http://127.0.0.1:PORT/evil"
SCRIPT = "document.title='owned';fetch('EVIL?script')"
SVG = f"<svg xmlns='http://www.w3.org/2000/svg' onload=\"{SCRIPT}\"><script>{SCRIPT}</script></svg>"
ATTACKS = [
    f"<script>{SCRIPT}</script>",
    "<script src='EVIL?src'></script>",
    f"<img src=x onerror=\"{SCRIPT}\">",
    "<img src='EVIL?img'>",
    "<img srcset='EVIL?srcset 1x'>",
    "![x](EVIL?markdown)",
    SVG,
    f"<svg><animate onbegin=\"{SCRIPT}\" attributeName=x dur=1s>",
    f"<math><mtext><table><mglyph><style><img src onerror=\"{SCRIPT}\"></style></mglyph></table>",
    "<iframe src='EVIL?iframe'></iframe>",
    f"<iframe srcdoc=\"<script>{SCRIPT}</script>\"></iframe>",
    "<object data='EVIL?object'></object><embed src='EVIL?embed'>",
    "<meta http-equiv=refresh content='0;url=EVIL?refresh'>",
    "<base href='EVIL?base'>",
    "<link rel=stylesheet href='EVIL?link'><link rel=prefetch href='EVIL?prefetch'>",
    "<style>@import 'EVIL?import'; body { background: url(EVIL?css) }</style>",
    "<div style=\"background: url('EVIL?style')\">a</div>",
    "<div style='background-image: image-set(\"EVIL?set\" 1x); color: red'>a</div>",
    "<table background='EVIL?table'><tr><td background='EVIL?td'>a</td></tr></table>",
    "<video poster='EVIL?poster' src='EVIL?video' autoplay></video><audio src='EVIL?a'>",
    f"<a id=auto href=\"javascript:{SCRIPT}\">a</a>",
    f"<a href=\"&#106;ava\tscript:{SCRIPT}\">a</a>",
    f"[a](javascript:{SCRIPT}) <a href='data:text/html,<script>{SCRIPT}</script>'>b</a>",
    f"<form action='EVIL?form'><input autofocus onfocus=\"{SCRIPT}\"></form>",
    f"<details open ontoggle=\"{SCRIPT}\">a</details>",
    f"</pre></div></main></body><script>{SCRIPT}</script>",
    f"<!--><script>{SCRIPT}</script>-->",
    f"<noscript><p title=\"</noscript><script>{SCRIPT}</script>\">",
    f"<a href='EVIL?ping' ping='EVIL?ping2' title=\"'><script>{SCRIPT}</script>\">a</a>",
    f"$$<script>{SCRIPT}</script>$$",
    f"```<script>\n<script>{SCRIPT}</script>\n```",
    f"# <script>{SCRIPT}</script>",
    f"<x-a onclick=\"{SCRIPT}\" style='animation: x 1s'>a</x-a>",
]  # fmt: skip


def hostile(evil: str = EVIL) -> bytes:
    """Every attack in every place where a notebook can hold text."""
    cells = []
    for attack in ATTACKS:
        data = {"text/html": attack, "text/plain": "x"}
        streams = {"output_type": "stream", "name": attack, "text": attack}
        error = {"output_type": "error", "ename": attack, "evalue": attack, "traceback": [attack]}
        shown = [
            {"output_type": "display_data", "metadata": {}, "data": data},
            *(
                {"output_type": "display_data", "metadata": {}, "data": {mime: attack}}
                for mime in ("text/markdown", "text/latex", "text/plain", "image/svg+xml",
                             "image/png", "application/javascript", "text/vnd.mermaid",
                             "application/vnd.jupyter.widget-view+json")
            ),
        ]  # fmt: skip
        cells += [
            cell(attack, "markdown", metadata={"tags": [attack]}, attachments={
                "a.png": {"image/png": attack}, attack: {"text/html": attack}}),
            cell(f"![a](attachment:a.png)\n\n{attack}", "markdown"),
            cell(attack, "raw", metadata={"raw_mimetype": "text/html"}),
            cell(attack, outputs=[streams, error, *shown], metadata={"tags": [attack]}),
        ]  # fmt: skip
    raw = notebook(*cells, metadata={"title": ATTACKS[0], "language_info": {
        "name": ATTACKS[0], "pygments_lexer": ATTACKS[0], "mimetype": ATTACKS[0]}})  # fmt: skip
    return raw.replace(b"EVIL", evil.encode())


def page_of(place: Place, data: bytes, path: str = "lab.ipynb") -> str:
    taken = take(place, {path: data})
    return rendering.of_intake(place, taken.id, path).decode()


def test_a_notebook_is_shown_as_it_was_left(place: Place) -> None:
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": "a < b \x1b[31mred\x1b[0m"},
        {"output_type": "execute_result", "metadata": {}, "execution_count": 3, "data": {
            "text/html": "<style>.x{}</style><table><tr><th style='text-align: right'>head</th>"
                         "</tr></table>", "text/plain": "plain"}},
        {"output_type": "display_data", "metadata": {}, "data": {"image/png": PIXEL}},
    ]  # fmt: skip
    data = notebook(
        cell("# Title\n\n**bold** [link](https://example.org/a) ![p](attachment:p.png)\n\n"
             "|a|b|\n|-|-|\n|1|2|\n", "markdown", attachments={"p.png": {"image/png": PIXEL}}),
        cell("import os  # why", execution_count=3, outputs=outputs),
    )  # fmt: skip
    soup = BeautifulSoup(page_of(place, data, "week 1/<lab>.ipynb"), "html.parser")
    assert soup.title.text == "week 1/<lab>.ipynb"
    assert soup.h1.text.startswith("Title")
    assert soup.strong.text == "bold"
    assert soup.find("a", href="https://example.org/a")
    assert [i["src"] for i in soup.find_all("img")] == [f"data:image/png;base64,{PIXEL}"] * 2
    assert [th.text for th in soup.find_all("th")] == ["a", "b", "head"]
    assert soup.find("th", style="text-align:right")
    assert "In\u00a0[3]" in soup.text
    assert "a < b red" in soup.text
    assert soup.find("span", class_="kn").text == "import"
    assert ".x{}" not in soup.main.text


def test_nothing_that_runs_or_loads_is_in_the_page(place: Place) -> None:
    soup = BeautifulSoup(page_of(place, hostile()), "html.parser")
    main = soup.main
    for tag in main.find_all(True):
        assert tag.name in pages._TAGS
        for name, value in tag.attrs.items():
            assert not name.startswith("on"), tag
            assert name in {*pages._PLAIN, "style", "href", "src", "rel"}, tag
            if name == "src":
                assert value.startswith("data:image/"), tag
            if name == "href":
                assert value.startswith("http://127.0.0.1"), tag
            if name == "style":
                assert "url" not in value and "image" not in value, tag
    assert [tag.name for tag in soup.head.find_all(True)] == ["meta", "meta", "title", "style"]
    assert not re.search(r"https?:|@import|url\(", soup.style.text)


class _Server(ThreadingHTTPServer):
    """Pages under /page/<n>, all else is an attack that worked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pages: list[tuple[bytes, dict[str, str]]] = []
        self.attacks: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        if not self.path.startswith("/page/"):
            if self.path != "/favicon.ico":
                self.server.attacks.append(self.path)
            self.send_response(204)
            self.end_headers()
            return
        body, headers = self.server.pages[int(self.path.removeprefix("/page/"))]
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[_Server]:
    server = _Server()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.browser
async def test_in_chromium_no_script_runs_and_no_request_leaves(
    place: Place, server: _Server
) -> None:
    """Each layer alone: the page without its headers, and the headers with the raw attacks."""
    program = shutil.which("chromium")
    assert program, "chromium is missing; ./carrel test installs it"
    evil = EVIL.replace("PORT", str(server.server_port))
    raw = "".join(ATTACKS).replace("EVIL", evil).encode()
    plain = {"Content-Type": "text/html; charset=utf-8"}
    page_ = page_of(place, hostile(evil)).encode()
    # The same as files that a browser would run, under the names that it would run them by.
    others = [page_of(place, raw, f"a.{kind}").encode() for kind in ("html", "svg", "xhtml")]
    server.pages = [(page_, rendering.HEADERS), (page_, plain), (raw, rendering.HEADERS),
                    *((other, how) for other in others for how in (rendering.HEADERS, plain)),
                    (raw, plain)]  # fmt: skip
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        context = await browser.new_context()
        origin = f"http://127.0.0.1:{server.server_port}"
        await context.add_cookies([{"name": "login", "value": "secret", "url": origin}])
        for number in range(len(server.pages)):
            page = await context.new_page()
            await page.goto(f"{origin}/page/{number}", wait_until="load")
            await page.wait_for_timeout(700)
            # Without both, so the attacks are real.
            worked = number == len(server.pages) - 1
            assert bool(server.attacks) is worked, (number, server.attacks)
            title = await page.title() if not worked else "owned"
            assert (title == "owned") is worked
            if number == 0:
                assert await page.evaluate("self.origin") == "null"
            await page.close()
        await browser.close()


def test_a_picture_that_is_no_picture_is_none(place: Place) -> None:
    outputs = [
        {"output_type": "display_data", "metadata": {}, "data": {mime: data}}
        for mime, data in (("image/png", '"><script>1</script>'), ("image/svg+xml", SVG))
    ]
    soup = BeautifulSoup(page_of(place, notebook(cell("", outputs=outputs))), "html.parser")
    assert [img.get("src", "")[:26] for img in soup.find_all("img")] == [
        "",
        "data:image/svg+xml;base64,",
    ]


def test_what_is_too_much_is_cut_and_said(place: Place) -> None:
    many = [{"output_type": "stream", "name": "stdout", "text": "x" * 200_000}] * 60
    wide = [{"output_type": "display_data", "metadata": {}, "data": {
        "text/html": "<p>" * 600_000, "text/plain": "the table"}},
        {"output_type": "display_data", "metadata": {}, "data": {"image/png": "A" * 7_000_000}},
    ]  # fmt: skip
    cells = [cell("a", outputs=wide), cell("b", outputs=many), *[cell("c")] * 1100]
    page = page_of(place, notebook(*cells))
    assert len(page) < 5_000_000
    for said in ("the table", "A picture that is too large", "The rest is not shown",
                 "10 more outputs are not shown", "(102 more cells are not shown)"):  # fmt: skip
        assert said in page


@pytest.mark.parametrize(
    "data",
    [
        b"", b"no", b"[]", b"{}", b'{"cells": 7}', b"[" * 200_000, b"\xff\xfe\x00",
        b'{"cells": [7], "nbformat": 4, "nbformat_minor": 5, "metadata": {}}',
    ],
)  # fmt: skip
def test_what_is_no_notebook_is_a_sentence(place: Place, data: bytes) -> None:
    with pytest.raises(CarrelError) as caught:
        page_of(place, data)
    assert caught.value.code is Code.BAD_INPUT
    assert "Traceback" not in str(caught.value)


def test_an_old_notebook_is_shown_too(place: Place) -> None:
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": [
        {"cell_type": "code", "input": "print(1)", "language": "python", "outputs": [],
         "metadata": {}}]}]}  # fmt: skip
    assert "print" in page_of(place, json.dumps(old).encode())


def test_a_large_notebook_is_refused_before_it_is_read(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rendering, "MOST_BYTES", 100)
    with pytest.raises(CarrelError, match="is not shown here"):
        page_of(place, notebook(cell("x" * 200)))


def test_only_files_of_these_materials_are_shown(course: Store, place: Place) -> None:
    taken = take(place, {"lab.ipynb": notebook(cell("hello there")), "a.txt": b"x"})
    version = publishing.publish(course, place, Wanted(taken.id, None), by())
    page = rendering.of_version(place, version.commit, "lab.ipynb")
    assert b"hello" in page
    for path in ("../lab.ipynb", "LAB.ipynb", "*.ipynb", ":(icase)LAB.ipynb", "lab.ipynb/",
                 "lab.ipynb/x.ipynb", "no\0.ipynb", "\ud800.ipynb", "/lab.ipynb"):  # fmt: skip
        with pytest.raises(CarrelError) as caught:
            rendering.of_version(place, version.commit, path)
        assert caught.value.code in (Code.NOT_FOUND, Code.BAD_INPUT)
    for commit in ("main", "--help", version.commit[:10], "0" * 40):
        with pytest.raises(CarrelError) as caught:
            rendering.of_version(place, commit, "lab.ipynb")
        assert caught.value.code is Code.NOT_FOUND
    assert b'<pre class="file">' in rendering.of_version(place, version.commit, "a.txt")


SLOW = b"[" + b"[](" * 30_000


def test_time_and_memory_end(monkeypatch: pytest.MonkeyPatch) -> None:
    began = time.monotonic()
    data = notebook(*[cell(SLOW.decode(), "markdown")] * 200)
    done = limited.ask(Job.PAGES, data, Bounds(time_s=2))
    assert done.code != 0
    assert time.monotonic() - began < 8
    bomb = b'{"cells": [' + b"[],[],[],[]," * 4_000_000 + b"[]]}"
    done = limited.ask(Job.PAGES, bomb, Bounds(time_s=60))
    assert done.code != 0
    assert "MemoryError" in done.errors or done.code < 0


def test_more_than_a_few_at_once_wait_and_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limited, "PATIENCE_S", 0.1)
    monkeypatch.setattr(limited, "_places", threading.BoundedSemaphore(1))
    assert limited._places.acquire()
    with pytest.raises(CarrelError, match="Try again") as caught:
        limited.ask(Job.CELLS, b"", Bounds())
    assert caught.value.code is Code.UNAVAILABLE
    limited._places.release()
    for _ in range(2):
        assert limited.ask(Job.CELLS, b"", Bounds()).code == 0


def test_the_limited_process_writes_no_file(tmp_path: object) -> None:
    import resource
    import subprocess
    import sys

    script = "import hub.materials.limited as l, sys; sys.modules['hub.materials.cells'] = None\n"
    script += "import importlib; importlib.import_module = lambda name: __import__('types')."
    script += "SimpleNamespace(work=lambda d: open(d.decode(), 'wb', 0).write(b'x') and b'')\n"
    script += "l.main('CELLS', 5)"
    target = f"{tmp_path}/x"
    done = subprocess.run(
        [sys.executable, "-c", script], input=target.encode(), capture_output=True, check=False
    )
    assert done.returncode != 0
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 0
