"""The emulator of Drive over HTTP, and a client that shows every byte of it."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from drive_emulator.emulator import Emulator
from drive_emulator.faults import Fault, Rule
from drive_emulator.server import serving

from tests.drivesync import venv
from tests.emulators import live

collect_ignore = ["with_clients"]
"""They run in the venv that has the client libraries."""

ANNA, BEN = "anna@example.org", "ben@example.org"


@dataclass
class Answered:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def refused(self) -> tuple[int, str]:
        """Status, and Google's reason."""
        return self.status, self.json["error"]["errors"][0]["reason"]


class Drive:
    """The emulator, and one person's connection to it."""

    def __init__(self, emulator: Emulator, url: str) -> None:
        self.emulator, self.url = emulator, url
        self.store = emulator.store
        self.root = self.store.account(ANNA).root
        self.token = emulator.token(ANNA)
        self.connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)

    def ask(self, method: str, path: str, body: Any = None, **more: Any) -> Answered:
        """``more``: headers, and the query."""
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        if isinstance(body, dict):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        full = path + (("&" if "?" in path else "?") + urlencode(more) if more else "")
        self.connection.request(method, full, body, headers)
        answer = self.connection.getresponse()
        return Answered(answer.status, answer.headers, answer.read())

    def files(self, method: str, path: str = "", body: Any = None, **more: Any) -> Answered:
        return self.ask(method, f"/drive/v2/files{path}", body, **more)

    def make(self, title: str = "a.txt", data: bytes = b"one", **body: Any) -> dict[str, Any]:
        """A file, in one request with its bytes."""
        answer = self.multipart({"title": title, **body}, data)
        assert answer.status == 200, answer.body
        return answer.json

    def multipart(self, body: dict[str, Any], data: bytes, line: str = "\r\n") -> Answered:
        head = line.join(
            ("--mark", "Content-Type: application/json", "", json.dumps(body), "--mark",
             "Content-Type: text/plain", "", "")
        )  # fmt: skip
        whole = head.encode() + data + f"{line}--mark--{line}".encode()
        headers = {"Content-Type": 'multipart/related; boundary="mark"'}
        return self.ask(
            "POST", "/upload/drive/v2/files", whole, headers=headers, uploadType="multipart"
        )

    def begin(self, size: int, **body: Any) -> str:
        """A resumable upload; its path."""
        headers = {"X-Upload-Content-Length": str(size), "X-Upload-Content-Type": "text/plain"}
        answer = self.ask(
            "POST", "/upload/drive/v2/files", body, headers=headers, uploadType="resumable"
        )
        assert answer.status == 200, answer.body
        return answer.headers["Location"].removeprefix(self.url)

    def put(self, session: str, data: bytes, asked: str) -> Answered:
        """``asked`` is the Content-Range."""
        return self.ask("PUT", session, data, headers={"Content-Range": f"bytes {asked}"})

    def fail(self, fault: Fault, operation: str = "", **more: Any) -> Rule:
        return self.emulator.faults.add(Rule(fault, operation, **more))

    def titles(self) -> list[str]:
        return [item["title"] for item in self.files("GET").json["items"]]


@pytest.fixture(scope="session")
def documents() -> list[Path]:
    """Google's descriptions of the API, as the client library bundles them."""
    inside = "lib/python*/site-packages/googleapiclient/discovery_cache/documents"
    [folder] = venv.python().parents[1].glob(inside)
    return [folder / "drive.v2.json", folder / "drive.v3.json"]


@pytest.fixture
def drive(documents: list[Path], tmp_path: Path) -> Iterator[Drive]:
    emulator = Emulator(documents, folder=tmp_path, seed=1)
    emulator.store.add_account(ANNA, "Anna")
    emulator.store.add_account(BEN, "Ben")
    with serving(emulator) as url:
        made = Drive(emulator, url)
        yield made
        made.connection.close()
    assert emulator.journal.failures() == []


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Says whether the real Drive was asked."""
    terminalreporter.write_line(f"live Drive suite: {live.state()}")
