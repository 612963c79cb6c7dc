"""Which documents count as open: decided from requests, told where Drive's sync looks."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from carrel_session import open_list
from carrel_session.browser_requests import (
    Event,
    Looked,
    Moved,
    Read,
    Removed,
    Request,
    Saved,
    Shown,
    event_of,
)
from carrel_session.open_documents import MOST, OpenDocuments

NOW = datetime(2026, 11, 24, 19, 5, tzinfo=UTC)
HOURS = timedelta(hours=1)


def documents(*events: Event, now: datetime = NOW) -> OpenDocuments:
    found = OpenDocuments()
    for event in events:
        found.take(event, now)
    return found


def workspace(*keys: str) -> bytes:
    """As JupyterLab saves it; ``keys`` are like ``notebook:a.ipynb``."""
    shown = {key: {"data": {"path": key.partition(":")[2], "factory": "x"}} for key in keys}
    other = {"layout-restorer:data": {"main": {}}, "file-browser-filebrowser:cwd": {"path": "a"}}
    return json.dumps({"data": {**shown, **other}, "metadata": {"id": "default"}}).encode()


AT = "api/contents/drive/MyDrive/a%20%C3%A9.txt"
PATH = "drive/MyDrive/a é.txt"


@pytest.mark.parametrize(
    ("asked", "event"),
    [
        (Request("GET", AT, "type=file&content=1"), Read(PATH)),
        (Request("GET", AT, "content=0&hash=1"), Read(PATH)),
        (Request("GET", "api/contents/drive", "type=directory&content=1"), Looked()),
        (Request("GET", AT + "/checkpoints"), Looked()),
        (Request("POST", AT + "/checkpoints/1"), Looked()),
        (Request("PUT", AT), Saved(PATH)),
        (Request("PUT", AT, status=403), None),
        (Request("GET", AT, status=304), Looked()),
        (Request("PATCH", AT, body=b'{"path": "/drive/MyDrive/b.txt"}'),
         Moved(PATH, "drive/MyDrive/b.txt")),
        (Request("PATCH", AT, body=b'["'), Looked()),
        (Request("DELETE", AT, status=204), Removed(PATH)),
        (Request("PUT", "lab/api/workspaces/default", body=workspace("notebook:a", "editor:b"),
                 status=204), Shown("default", frozenset({"a", "b"}))),
        (Request("PUT", "lab/api/workspaces/x", body=b"no"), Shown("x", frozenset())),
        (Request("DELETE", "lab/api/workspaces/x", status=204), Shown("x", frozenset())),
        (Request("POST", "api/sessions", status=201), Looked(kernels=True)),
        (Request("GET", "api/kernels"), Looked()),
        (Request("GET", "files/drive/MyDrive/a.txt"), None),
        (Request("GET", "carrel/publish"), None),
    ],
)  # fmt: skip
def test_what_a_request_says(asked: Request, event: Event | None) -> None:
    assert event_of(asked) == event


def test_a_tab_holds_its_document_open_until_it_is_closed() -> None:
    found = documents(Read("a"), Read("b"), Shown("default", frozenset({"a", "b"})))
    assert found.take(Shown("default", frozenset({"b"})), NOW)
    assert found.open([], NOW) == ["b"]
    assert not found.take(Shown("default", frozenset({"b"})), NOW), "nothing to write anew"
    found.take(Read("a"), NOW)
    found.take(Shown("other", frozenset({"a"})), NOW)
    found.take(Shown("default", frozenset({"a", "b"})), NOW)
    found.take(Shown("default", frozenset()), NOW)
    assert found.open([], NOW) == ["a"], "another window still shows it"


def test_a_tab_that_is_looked_at_holds_it_open_for_days_and_a_forgotten_one_does_not() -> None:
    found = documents(Read("a"), Shown("default", frozenset({"a"})))
    for hour in range(1, 50):
        found.take(Looked(), NOW + hour * HOURS)
    assert found.open([], NOW + 50 * HOURS) == ["a"]
    assert found.open([], NOW + 52 * HOURS) == []


def test_without_tabs_what_was_read_or_saved_lately_is_open() -> None:
    found = documents(Read("a"), Read("b"))
    found.take(Saved("b"), NOW + 1.5 * HOURS)
    assert found.open([], NOW + HOURS) == ["b", "a"]
    assert found.open([], NOW + 3 * HOURS) == ["b"]
    assert found.open([], NOW - 9 * HOURS) == [], "a clock that was set back ends it too"


def test_an_upload_is_not_open() -> None:
    assert documents(Saved("photo.jpg")).open([], NOW) == []


def test_what_has_a_kernel_is_open_as_long_as_it_runs() -> None:
    found = documents(Read("b"))
    assert found.open(["a.ipynb"], NOW) == ["a.ipynb", "b"]
    assert found.open([], NOW) == ["b"]


def test_a_renamed_document_and_all_of_a_renamed_folder_follow() -> None:
    found = documents(Read("a/b.txt"), Read("ab.txt"), Shown("w", frozenset({"a/c.txt"})))
    assert found.take(Moved("a", "x/y"), NOW)
    assert sorted(found.open([], NOW)) == ["ab.txt", "x/y/b.txt", "x/y/c.txt"]
    found.take(Removed("x"), NOW)
    assert sorted(found.open([], NOW)) == ["ab.txt", "x/y/c.txt"]


def test_a_program_that_reads_much_costs_no_memory() -> None:
    found = documents(*(Read(str(number)) for number in range(MOST + 10)))
    assert len(found.open([], NOW)) == MOST and "0" not in found.open([], NOW)


def test_the_list_names_files_of_drive_also_by_links(tmp_path: Path) -> None:
    mine = tmp_path / "drive/MyDrive"
    (mine / "folder").mkdir(parents=True)
    (mine / "a é.txt").touch()
    (tmp_path / "gdrive").symlink_to(tmp_path / "drive")
    (mine / "out").symlink_to("/etc")
    asked = ["drive/MyDrive/a é.txt", "gdrive/MyDrive/a é.txt", "drive/MyDrive/folder", "b.txt",
             "RTC:gdrive/MyDrive/new.ipynb", "drive/MyDrive/out/passwd", "drive/MyDrive",
             "../drive/MyDrive/x"]  # fmt: skip
    assert open_list.below_drive(tmp_path, asked) == ["MyDrive/a é.txt", "MyDrive/new.ipynb"]


def test_the_list_is_bounded_and_whole(tmp_path: Path) -> None:
    (tmp_path / "drive/MyDrive").mkdir(parents=True)
    open_list.write(tmp_path, ["drive/MyDrive/a"])
    assert [path.name for path in (tmp_path / "drive").iterdir()] == ["MyDrive"], "no Drive here"
    (tmp_path / "drive/.carrel").mkdir()
    open_list.write(tmp_path, (f"drive/MyDrive/{n}-{'é' * 100}" for n in range(5000)))
    (written,) = (tmp_path / "drive/.carrel").iterdir()
    assert 100_000 < written.stat().st_size < 256 * 1024
    found = json.loads(written.read_text())
    assert abs(found["at"] - time.time()) < 10 and found["paths"][0].startswith("MyDrive/0-é")
