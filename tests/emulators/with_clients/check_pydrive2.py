"""pydrive2 as it is, with the habits that the sync has to live with."""

from __future__ import annotations

from pathlib import Path

import pytest
from drive_emulator.faults import Fault, Rule
from pydrive2.auth import GoogleAuth
from pydrive2.drive import GoogleDrive
from pydrive2.files import ApiRequestError


class _Auth(GoogleAuth):
    """Whose consent is there already."""

    access_token_expired = False

    def Authorize(self) -> None:  # noqa: N802  pydrive2's
        raise AssertionError


@pytest.fixture
def pydrive(drive) -> GoogleDrive:
    auth = _Auth()
    auth.service = drive.service
    auth.thread_local.http = drive.service._http
    made = GoogleDrive(auth)
    made.folder = drive.folder
    return made


def _new(pydrive: GoogleDrive, title: str = "a.txt", text: str = "one", **more):
    file = pydrive.CreateFile({"title": title, "parents": [{"id": pydrive.folder}], **more})
    file.SetContentString(text)
    return file


def _titles(pydrive: GoogleDrive) -> list[str]:
    listed = pydrive.ListFile({"q": f"'{pydrive.folder}' in parents and trashed=false"})
    return [file["title"] for file in listed.GetList()]


def test_a_file_goes_up_changes_comes_down_and_goes(pydrive, tmp_path: Path) -> None:
    file = _new(pydrive)
    file.Upload()
    file["title"] = "b.txt"
    file.SetContentString("two")
    file.Upload()
    again = pydrive.CreateFile({"id": file["id"]})
    assert again.GetContentString() == "two" and again["title"] == "b.txt"
    again.GetContentFile(str(tmp_path / "b"))
    assert (tmp_path / "b").read_text() == "two"
    again.FetchMetadata(fetch_all=True)
    assert len(again.GetRevisions()) == 2
    again.Trash()
    assert _titles(pydrive) == []
    again.UnTrash()
    assert _titles(pydrive) == ["b.txt"]
    again.Delete()
    with pytest.raises(ApiRequestError):
        pydrive.CreateFile({"id": file["id"]}).FetchMetadata()


def test_an_upload_takes_two_requests(pydrive, emulator) -> None:
    emulator.journal.clear()
    _new(pydrive).Upload()
    asked = [entry.operation for entry in emulator.journal.entries()]
    assert asked == ["uploads.begin", "uploads.put"]


def test_an_answer_that_is_lost_makes_a_second_file_of_one(drive, emulator) -> None:
    """httplib2 sends a POST again."""
    emulator.faults.add(Rule(Fault.LOST_AFTER, "files.insert"))
    drive.make()
    assert len(drive.listed()) == 2


def test_with_a_generated_id_it_stays_one(drive, emulator) -> None:
    emulator.faults.add(Rule(Fault.LOST_AFTER, "files.insert"))
    assert drive.status(drive.insert(id=drive.new_id())) == 409
    assert len(drive.listed()) == 1


def test_a_page_of_html_comes_up_as_something_else(pydrive, emulator) -> None:
    emulator.faults.add(Rule(Fault.PAGE, "files.list", status=502, times=None))
    with pytest.raises((ApiRequestError, ValueError)):
        _titles(pydrive)


def test_a_long_query_is_understood(pydrive) -> None:
    _new(pydrive).Upload()
    query = " or ".join([f"'{pydrive.folder}' in parents", *[f"'{'x' * 33}' in parents"] * 60])
    assert len(query) > 2048
    assert len(pydrive.ListFile({"q": query}).GetList()) == 1


def test_a_list_of_many_pages_is_followed(pydrive, emulator) -> None:
    for number in range(5):
        _new(pydrive, str(number)).Upload()
    emulator.faults.add(Rule(Fault.EMPTY_PAGE, "files.list"))
    assert len(_titles(pydrive)) == 5
