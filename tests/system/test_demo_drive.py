"""The demo's Google Drive: connected by a click, beside the notebook within seconds, kept through a
sidecar's death and a session's end."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
import requests

from tests.conftest import Installation
from tests.system.test_demo import PORT, URL, _log_in

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]
PAGES = f"{URL}/services/carrel/drive"
EMAIL = "student1@demo.invalid"


@pytest.fixture
def demo(installation: Installation) -> Iterator[Installation]:
    folder = Path(f"{installation.data_dir}-demo")
    shutil.rmtree(folder, ignore_errors=True)
    try:
        installation.carrel("demo", "--port", PORT)
        yield replace(
            installation, project="carreldemo", data_dir=folder, port=int(PORT),
            extra=(("CARREL_DEMO", "true"), ("CARREL_NETWORK__SUBNET", "10.203.16.0/20")),
        )  # fmt: skip
    finally:
        installation.carrel("demo", "--down", "--port", PORT)
        shutil.rmtree(folder, ignore_errors=True)


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of a form."""
    fields = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', page)
    return {name: unescape(value) for name, value in fields}


def connect(http: requests.Session) -> None:
    page = http.get(PAGES, timeout=30).text
    asked = http.post(f"{PAGES}/connect", data=hidden(page), timeout=30)
    assert asked.url.startswith(f"{URL}/demo-drive/"), asked.text
    keep = re.findall(r'name="keep" value="([^"]*)"', asked.text)
    form = hidden(asked.text) | {"account": EMAIL, "keep": keep, "answer": "allow"}
    chosen = http.post(asked.url, data=form, timeout=30)
    assert chosen.url.startswith(f"{PAGES}/choose"), chosen.text
    form = hidden(chosen.text) | {"everything": "1", "save": "1"}
    saved = http.post(f"{PAGES}/choose", data=form, timeout=60)
    assert saved.status_code == 200, saved.text


def in_drive(http: requests.Session) -> str:
    return http.get(f"{URL}/demo-drive/my/", params={"account": EMAIL}, timeout=30).text


def eventually(condition: Callable[[], object], within_s: float) -> float:
    began = time.monotonic()
    while time.monotonic() - began < within_s:
        if condition():
            return time.monotonic() - began
        time.sleep(0.3)
    pytest.fail(f"it did not hold within {within_s} s")


def test_a_drive_is_connected_kept_in_step_and_flushed(demo: Installation) -> None:
    http = _log_in("student1")
    connect(http)
    session = demo.start_session("student1")
    sidecars = ("ps", "--quiet", "--filter", "label=carrel.drive")

    def write(name: str) -> None:
        code, said = demo.inside(
            session, "sh", "-c", f"echo {name} > /content/drive/MyDrive/{name}"
        )
        assert code == 0, said

    write("one.txt")
    eventually(lambda: "one.txt" in in_drive(http), 40)
    (first,) = demo.engine.docker(*sidecars).split()
    demo.engine.docker("kill", first)
    write("two.txt")
    eventually(lambda: "two.txt" in in_drive(http), 40)
    assert demo.engine.docker(*sidecars).split() != [first]

    write("three.txt")
    demo.carrel("session", "stop", "student1")
    eventually(lambda: not demo.engine.docker("ps", "-aq", "--filter", "label=carrel.drive"), 80)
    page = in_drive(http)
    assert all(f"{name}.txt" in page for name in ("one", "two", "three"))
