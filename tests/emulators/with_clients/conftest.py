"""Google's own client library on the emulator, or on the real Drive where credentials are given.

Runs in the venv of tests/drivesync/venv.py.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import googleapiclient
import pytest
from google.oauth2.credentials import Credentials
from google_auth_httplib2 import AuthorizedHttp
from googleapiclient.discovery import build_from_document
from googleapiclient.http import build_http

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "emulators" / "drive"))

from drive_emulator.emulator import Emulator  # noqa: E402
from drive_emulator.server import serving  # noqa: E402

DOCUMENT = Path(googleapiclient.__file__).parent / "discovery_cache/documents/drive.v2.json"
ANNA = "anna@example.org"
LIVE = os.environ.get("LIVE_DRIVE") == "1"
FOLDER = "application/vnd.google-apps.folder"


class Drive:
    """A service of API v2, and a folder of its own to work in."""

    def __init__(self, service: Any, credentials: Credentials) -> None:
        self.service = service
        self.credentials = credentials
        body = {"title": f"Carrel's live suite {time.time():.0f}", "mimeType": FOLDER}
        self.folder: str = service.files().insert(body=body).execute()["id"]

    def call(self, request: Any, if_match: str = "") -> Any:
        if if_match:
            request.headers["If-Match"] = if_match
        return request.execute()

    def status(self, request: Any, if_match: str = "") -> int:
        """Of a request that is refused."""
        from googleapiclient.errors import HttpError

        with pytest.raises(HttpError) as refused:
            self.call(request, if_match)
        return refused.value.resp.status

    def new_id(self) -> str:
        return self.service.files().generateIds(maxResults=1).execute()["ids"][0]

    def insert(self, title: str = "a.txt", data: bytes | None = b"one", **more: Any) -> Any:
        """The request that makes a file in the folder; ``data`` None: without bytes."""
        from googleapiclient.http import MediaInMemoryUpload

        body = {"title": title, "parents": [{"id": self.folder}], **more}
        media = None if data is None else MediaInMemoryUpload(data, mimetype="text/plain")
        return self.service.files().insert(body=body, media_body=media)

    def make(self, title: str = "a.txt", data: bytes | None = b"one", **more: Any) -> Any:
        return self.insert(title, data, **more).execute()

    def listed(self) -> list[dict[str, Any]]:
        query = f"'{self.folder}' in parents and trashed=false"
        return self.service.files().list(q=query).execute()["items"]

    def until(self, look: Callable[[], Any]) -> Any:
        """What ``look`` gives once it is something; the real Drive needs some seconds."""
        end = time.monotonic() + (60 if LIVE else 2)
        while not (found := look()):
            assert time.monotonic() < end
            time.sleep(1 if LIVE else 0.05)
        return found


@pytest.fixture(scope="session")
def _emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Emulator, str]]:
    emulator = Emulator([DOCUMENT], tmp_path_factory.mktemp("blobs"), seed=1)
    emulator.store.add_account(ANNA, "Anna")
    with serving(emulator) as url:
        yield emulator, url
    assert emulator.journal.failures() == []


@pytest.fixture
def emulator(_emulator: tuple[Emulator, str]) -> Emulator:
    _emulator[0].faults.replace([])
    return _emulator[0]


@pytest.fixture
def drive(request: pytest.FixtureRequest) -> Iterator[Drive]:
    document = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    if LIVE:
        credentials = Credentials(
            None,
            refresh_token=_secret("LIVE_DRIVE_REFRESH_TOKEN_FILE"),
            client_id=os.environ["LIVE_DRIVE_CLIENT_ID"],
            client_secret=_secret("LIVE_DRIVE_CLIENT_SECRET_FILE"),
            token_uri="https://oauth2.googleapis.com/token",
        )
    else:
        emulator, url = request.getfixturevalue("_emulator")
        emulator.faults.replace([])
        document |= {"rootUrl": f"{url}/", "baseUrl": f"{url}/drive/v2/"}
        credentials = Credentials(emulator.token(ANNA))
    http = AuthorizedHttp(credentials, http=build_http())
    drive = Drive(build_from_document(document, http=http), credentials)
    yield drive
    drive.service.files().trash(fileId=drive.folder).execute()
    http.close()


def _secret(name: str) -> str:
    return Path(os.environ[name]).read_text(encoding="utf-8").strip()
