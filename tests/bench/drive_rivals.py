"""What people write with pydrive2, as a program of its own: up and down, file by file.

``python drive_rivals.py (naive|fsspec) (up|down) API_URL FOLDER`` with an access token on standard
input: brings the files of FOLDER up into a folder of its name at the top of My Drive, or down.
Runs in an environment that has pydrive2; nothing of Carrel's is in it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import googleapiclient
from googleapiclient.discovery import build_from_document
from oauth2client.client import AccessTokenCredentials
from pydrive2.auth import GoogleAuth
from pydrive2.drive import GoogleDrive

FOLDER = "application/vnd.google-apps.folder"
DESCRIPTION = Path(googleapiclient.__file__).parent / "discovery_cache/documents/drive.v2.json"


def main() -> None:
    way, direction, api_url, place = sys.argv[1:]
    auth = _auth(api_url, sys.stdin.readline().strip())
    WAYS[way, direction](auth, Path(place))


def _auth(api_url: str, token: str) -> GoogleAuth:
    """pydrive2's own, with a token that holds for the whole run, at another address."""
    described = json.loads(DESCRIPTION.read_text(encoding="utf-8"))
    described["rootUrl"] = described["baseUrl"] = api_url
    described["baseUrl"] += described["servicePath"]
    described.pop("mtlsRootUrl", None)
    auth = GoogleAuth(settings_file=None)
    auth.credentials = AccessTokenCredentials(token, "bench")
    auth.service = build_from_document(described, http=auth.Get_Http_Object())
    return auth


def naive_up(auth: GoogleAuth, place: Path) -> None:
    drive = GoogleDrive(auth)
    folder = drive.CreateFile({"title": place.name, "mimeType": FOLDER})
    folder.Upload()
    for path in sorted(place.iterdir()):
        file = drive.CreateFile({"title": path.name, "parents": [{"id": folder["id"]}]})
        file.SetContentFile(str(path))
        file.Upload()


def naive_down(auth: GoogleAuth, place: Path) -> None:
    drive = GoogleDrive(auth)
    (folder,) = _list(drive, f"title='{place.name}' and 'root' in parents and trashed=false")
    for file in _list(drive, f"'{folder['id']}' in parents and trashed=false"):
        file.GetContentFile(str(place / file["title"]))


def _list(drive: GoogleDrive, query: str) -> list[Any]:
    return drive.ListFile({"q": query, "maxResults": 1000}).GetList()


def fsspec_up(auth: GoogleAuth, place: Path) -> None:
    fs = _file_system(auth)
    fs.mkdir(f"root/{place.name}")
    for path in sorted(place.iterdir()):
        fs.put_file(str(path), f"root/{place.name}/{path.name}")


def fsspec_down(auth: GoogleAuth, place: Path) -> None:
    fs = _file_system(auth)
    for name in fs.ls(f"root/{place.name}"):
        fs.get_file(name, str(place / name.rpartition("/")[2]))


def _file_system(auth: GoogleAuth) -> Any:
    from pydrive2.fs import GDriveFileSystem

    return GDriveFileSystem("root", google_auth=auth)


WAYS = {
    ("naive", "up"): naive_up,
    ("naive", "down"): naive_down,
    ("fsspec", "up"): fsspec_up,
    ("fsspec", "down"): fsspec_down,
}


if __name__ == "__main__":
    main()
