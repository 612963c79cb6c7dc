"""Files as API v2 writes them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from drivesync import items
from drivesync.model import Account, Change, Kind


def item(**more: Any) -> dict[str, Any]:
    return {
        "id": "a",
        "etag": '"e1"',
        "title": "b/c.txt",
        "mimeType": "text/plain",
        "parents": [{"id": "p"}],
        "labels": {"trashed": False},
        "md5Checksum": "d4",
        "fileSize": "9007199254740993",
        "headRevisionId": "r1",
        "modifiedDate": "2026-11-24T19:05:00.123Z",
        "alternateLink": "https://drive.example/a",
        "editable": True,
        **more,
    }


def test_a_file_is_read_to_the_last_byte_and_millisecond() -> None:
    found = items.remote_file(item())
    assert (found.kind, found.parent, found.title) == (Kind.FILE, "p", "b/c.txt")
    assert found.size == 9007199254740993
    assert found.modified_ms == 1795547100123
    assert found.revision == "r1"


@pytest.mark.parametrize(
    ("mime", "kind"),
    [
        ("application/vnd.google-apps.folder", Kind.FOLDER),
        ("application/vnd.google-apps.shortcut", Kind.SHORTCUT),
        ("application/vnd.google-apps.document", Kind.DOCUMENT),
        ("application/vnd.google.colaboratory", Kind.FILE),
    ],
)
def test_kinds(mime: str, kind: Kind) -> None:
    assert items.remote_file(item(mimeType=mime)).kind is kind


def test_what_comes_up_in_each_of_many_files_is_held_once() -> None:
    listed = json.dumps({"items": [item(), item(id="b")]})
    first, second = items.listed(json.loads(listed))[0]
    assert first.parent is second.parent and first.mime is second.mime


def test_only_what_becomes_a_link_keeps_its_address() -> None:
    assert items.remote_file(item()).link == ""
    document = item(mimeType="application/vnd.google-apps.document")
    assert items.remote_file(document).link == "https://drive.example/a"


def test_what_has_no_bytes_is_no_file() -> None:
    bare = item(mimeType="application/x-other")
    del bare["md5Checksum"], bare["fileSize"], bare["headRevisionId"]
    assert items.remote_file(bare).kind is Kind.DOCUMENT


def test_a_file_whose_folder_is_not_visible_has_none() -> None:
    assert items.remote_file(item(parents=[])).parent == ""


@pytest.mark.parametrize("missing", ["id", "etag", "title", "mimeType"])
def test_half_a_file_is_none(missing: str) -> None:
    half = item()
    del half[missing]
    with pytest.raises(KeyError):
        items.remote_file(half)


def test_a_page_of_changes_tells_gone_there_and_unsure_apart() -> None:
    page = items.page(
        {
            "items": [
                {"fileId": "x", "deleted": True},
                {"fileId": "a", "deleted": False, "file": item()},
                {"fileId": "y", "deleted": False},
            ],
            "nextPageToken": "2",
        }
    )
    assert page.told.changes == (Change("x", None), Change("a", items.remote_file(item())))
    assert page.unsure == ("y",)
    assert (page.told.cursor, page.told.last) == ("2", False)


def test_an_empty_page_leads_on() -> None:
    assert items.page({"newStartPageToken": "9"}).told.last
    assert items.page({"nextPageToken": "8", "items": []}).told.cursor == "8"


def test_a_page_that_leads_nowhere_is_none() -> None:
    with pytest.raises(KeyError):
        items.page({"items": []})


def test_an_account_without_a_limit_has_none() -> None:
    answer = {
        "rootFolderId": "root",
        "user": {"emailAddress": "a@example.org"},
        "quotaType": "LIMITED",
        "quotaBytesTotal": "100",
        "quotaBytesUsedAggregate": "40",
    }
    assert items.account(answer) == Account("root", "a@example.org", 40, 100)
    assert items.account(answer | {"quotaType": "UNLIMITED"}).most_bytes == 0


def test_a_quote_in_an_id_does_not_end_the_question() -> None:
    assert items.quoted("a'b\\c") == r"a\'b\\c"


@pytest.mark.parametrize("title", ["a.gdoc", "a.docx", "", ".", "x.IPYNB", "y"])
def test_no_new_file_is_turned_into_a_document_of_google(title: str) -> None:
    assert not items.type_of(title).startswith(items.GOOGLES_OWN)


def test_one_item_that_cannot_be_read_keeps_no_other_from_coming() -> None:
    broken = item(id="broken")
    del broken["etag"]
    files, _ = items.listed({"items": [broken, item(id="whole")]})
    assert [file.id for file in files] == ["whole"]
    entries = [{"fileId": one["id"], "file": one} for one in (broken, item(id="whole"))]
    told = items.page({"items": entries, "newStartPageToken": "2"}).told
    assert [change.id for change in told.changes] == ["whole"]
