"""The emulator speaks HTTP as Drive's version 2 does, byte for byte where that matters."""

from __future__ import annotations

import gzip
import hashlib
from urllib.parse import urlencode

import pytest
from drive_emulator.model import FOLDER, GOOGLE, Access

pytestmark = pytest.mark.pydrive
CHUNK = 1 << 18


def test_a_request_without_a_token_that_holds_is_refused(drive) -> None:
    drive.token = "ya29.nobody"
    assert drive.files("GET").refused == (401, "authError")


def test_an_unknown_parameter_is_refused_and_changes_nothing(drive) -> None:
    answer = drive.files("POST", body={"title": "a"}, supportsEverything="true")
    assert answer.refused == (400, "invalidParameter")
    assert drive.files("GET", maxResults="many").refused == (400, "invalidParameter")
    assert drive.titles() == []


def test_an_unknown_field_of_a_body_is_refused(drive) -> None:
    assert drive.files("POST", body={"name": "a"}).refused == (400, "invalid")
    assert drive.files("POST", body={"title": 5}).refused == (400, "invalid")


def test_a_method_that_is_not_emulated_is_recorded(drive) -> None:
    id_ = drive.make()["id"]
    assert drive.files("POST", f"/{id_}/touch").status == 501
    assert drive.emulator.journal.failures() == ["files.touch is not emulated"]
    drive.emulator.journal._failures.clear()


def test_an_answer_that_google_would_not_give_is_a_failure(drive, monkeypatch) -> None:
    from drive_emulator import resources

    made = resources.file
    monkeypatch.setattr(resources, "file", lambda *given: {**made(*given), "fileSize": 3})
    assert drive.files("POST", body={"title": "a"}).status == 500
    assert "File.fileSize is int, not string" in drive.emulator.journal.failures()[0]
    drive.emulator.journal._failures.clear()


def test_only_the_fields_that_were_asked_for_come(drive) -> None:
    drive.make()
    answer = drive.files("GET", fields="items(title,labels/trashed,parents(id)),nextPageToken")
    assert answer.json == {
        "items": [{"title": "a.txt", "labels": {"trashed": False}, "parents": [{"id": drive.root}]}]
    }
    assert drive.files("GET", fields="items(name)").refused == (400, "invalidParameter")
    assert drive.files("GET", fields="items(title").refused == (400, "invalidParameter")


@pytest.mark.parametrize("line", ["\r\n", "\n"])
@pytest.mark.parametrize("data", [b"", b"text", b"\r\n", b"\n\r", b"\r", b"x--mark", b"\0" * 5])
def test_the_bytes_of_a_multipart_body_come_through_whatever_they_are(drive, line, data) -> None:
    made = drive.multipart({"title": "a"}, data, line).json
    assert made["md5Checksum"] == hashlib.md5(data).hexdigest()
    assert drive.files("GET", f"/{made['id']}", alt="media").body == data


def test_a_generated_id_makes_one_file_however_often_it_is_sent(drive) -> None:
    ids = drive.files("GET", "/generateIds", maxResults=3).json["ids"]
    drive.make(id=ids[0])
    assert drive.multipart({"title": "b", "id": ids[0]}, b"two").refused == (409, "fileIdInUse")
    assert drive.multipart({"title": "b", "id": "x" * 33}, b"two").refused == (400, "invalid")
    assert drive.titles() == ["a.txt"]
    assert len(set(ids)) == 3


def test_if_match_holds_for_every_way_to_write(drive) -> None:
    made = drive.make()
    drive.files("PATCH", f"/{made['id']}", {"title": "b"})
    old = {"If-Match": made["etag"]}
    one = f"/{made['id']}"
    for method, path, body in (
        ("PATCH", one, {"title": "c"}), ("PUT", one, {"title": "c"}), ("DELETE", one, None),
        ("POST", f"{one}/trash", None), ("POST", f"{one}/untrash", None),
    ):  # fmt: skip
        assert drive.files(method, path, body, headers=old).refused == (412, "conditionNotMet")
    upload = f"/upload/drive/v2/files{one}"
    media = drive.ask("PUT", upload, b"two", headers=old, uploadType="media")
    assert media.refused == (412, "conditionNotMet")
    now = drive.files("GET", one)
    assert now.json["title"] == "b" and now.headers["ETag"] == now.json["etag"]
    new = {"If-Match": now.json["etag"]}
    assert drive.ask("PUT", upload, b"two", headers=new, uploadType="media").status == 200


def test_a_resumable_upload_goes_on_where_it_was_left(drive) -> None:
    data = bytes(range(256)) * 3000
    session = drive.begin(len(data), title="big")
    assert drive.put(session, b"", f"*/{len(data)}").headers["Range"] is None
    first = drive.put(session, data[:CHUNK], f"0-{CHUNK - 1}/{len(data)}")
    assert (first.status, first.headers["Range"]) == (308, f"bytes=0-{CHUNK - 1}")
    assert drive.put(session, data[:5], f"{CHUNK}-{CHUNK + 4}/{len(data)}").status == 400
    ahead = drive.put(session, data[:CHUNK], f"{2 * CHUNK}-{3 * CHUNK - 1}/{len(data)}")
    assert ahead.status == 400
    # What it has already, it may be sent again.
    again = drive.put(session, data[: 2 * CHUNK], f"0-{2 * CHUNK - 1}/{len(data)}")
    assert again.headers["Range"] == f"bytes=0-{2 * CHUNK - 1}"
    assert drive.titles() == []
    rest = data[2 * CHUNK :]
    done = drive.put(session, rest, f"{2 * CHUNK}-{len(data) - 1}/{len(data)}")
    assert done.json["md5Checksum"] == hashlib.md5(data).hexdigest()
    asked = drive.put(session, b"", f"*/{len(data)}")
    assert (asked.status, asked.json["id"]) == (200, done.json["id"])
    assert drive.titles() == ["big"]


def test_a_resumable_upload_of_nothing_makes_an_empty_file(drive) -> None:
    session = drive.begin(0, title="empty")
    assert drive.ask("PUT", session, b"").json["fileSize"] == "0"


def test_the_right_to_a_session_is_its_address(drive) -> None:
    session = drive.begin(3, title="a")
    drive.token = ""
    assert drive.put(session, b"one", "0-2/3").status == 200


@pytest.mark.parametrize("late", [True, False])
def test_an_edit_during_a_resumable_upload_is_noticed(drive, late) -> None:
    drive.emulator.set(late_match=late)
    made = drive.make()
    headers = {"X-Upload-Content-Length": "3", "If-Match": made["etag"]}
    path = f"/upload/drive/v2/files/{made['id']}"
    begun = drive.ask("PUT", path, {}, headers=headers, uploadType="resumable")
    session = begun.headers["Location"].removeprefix(drive.url)
    drive.files("PATCH", f"/{made['id']}", {"title": "b"})
    assert drive.put(session, b"two", "0-2/3").status == (412 if late else 200)
    assert drive.ask("PUT", path, {}, headers=headers, uploadType="resumable").status == 412


def test_a_session_ends_after_a_week(drive) -> None:
    session = drive.begin(3, title="a")
    drive.emulator.set(clock_ahead_s=7 * 24 * 3600 + 5)
    drive.token = ""
    assert drive.put(session, b"one", "0-2/3").refused == (404, "notFound")


@pytest.mark.parametrize(
    ("asked", "status", "got", "told"),
    [
        ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=-2", 206, b"89", "bytes 8-9/10"),
        ("bytes=0-99", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=10-", 416, b"", "bytes */10"),
        ("", 200, b"0123456789", None),
    ],
)
def test_a_part_of_a_file_can_be_downloaded(drive, asked, status, got, told) -> None:
    id_ = drive.make(data=b"0123456789")["id"]
    headers = {"Range": asked} if asked else {}
    answer = drive.files("GET", f"/{id_}", alt="media", headers=headers)
    assert (answer.status, answer.body) == (status, got)
    assert answer.headers["Content-Range"] == told


def test_a_download_can_be_pinned_to_a_revision(drive) -> None:
    made = drive.make()
    path = f"/upload/drive/v2/files/{made['id']}"
    second = drive.ask("PUT", path, b"two", uploadType="media").json
    assert second["headRevisionId"] != made["headRevisionId"]
    old = drive.files("GET", f"/{made['id']}", alt="media", revisionId=made["headRevisionId"])
    assert old.body == b"one"
    listed = drive.files("GET", f"/{made['id']}/revisions").json["items"]
    assert [item["id"] for item in listed] == [made["headRevisionId"], second["headRevisionId"]]


def test_googles_own_documents_are_exported_and_never_downloaded(drive) -> None:
    made = drive.files("POST", body={"title": "essay", "mimeType": GOOGLE + "document"}).json
    assert "md5Checksum" not in made and "headRevisionId" not in made
    one = f"/{made['id']}"
    assert drive.files("GET", one, alt="media").refused == (403, "fileNotDownloadable")
    for mime, link in made["exportLinks"].items():
        answer = drive.ask("GET", link.removeprefix(drive.url))
        assert (answer.status, answer.headers["Content-Type"]) == (200, mime)
    assert drive.files("GET", f"{one}/export", mimeType="audio/mpeg").status == 400
    file = drive.make()["id"]
    answer = drive.files("GET", f"/{file}/export", mimeType="text/plain")
    assert answer.refused == (403, "fileNotExportable")


def test_folders_have_no_size_and_shortcuts_lead_elsewhere(drive) -> None:
    folder = drive.files("POST", body={"title": "f", "mimeType": FOLDER}).json
    assert not {"fileSize", "md5Checksum", "downloadUrl"} & set(folder)
    file = drive.make()
    details = {"targetId": file["id"]}
    body = {"title": "s", "mimeType": GOOGLE + "shortcut", "shortcutDetails": details}
    shortcut = drive.files("POST", body=body).json
    assert shortcut["shortcutDetails"] == {"targetId": file["id"], "targetMimeType": "text/plain"}
    assert "fileSize" not in shortcut


def test_a_file_has_one_parent(drive) -> None:
    folder = drive.files("POST", body={"title": "f", "mimeType": FOLDER}).json["id"]
    one = f"/{drive.make()['id']}"
    assert drive.files("PATCH", one, addParents=folder).refused == (403, "cannotAddParent")
    moved = drive.files("PATCH", one, {"title": "b"}, addParents=folder, removeParents=drive.root)
    assert [p["id"] for p in moved.json["parents"]] == [folder] and moved.json["title"] == "b"
    back = drive.files("PATCH", one, {"parents": [{"id": "root"}]})
    assert [p["isRoot"] for p in back.json["parents"]] == [True]


def test_a_long_query_comes_as_a_post_that_means_get(drive) -> None:
    drive.make()
    headers = {
        "X-HTTP-Method-Override": "GET",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    answer = drive.files("POST", body=f"q='{drive.root}'+in+parents&maxResults=5", headers=headers)
    assert [item["title"] for item in answer.json["items"]] == ["a.txt"]
    assert drive.titles() == ["a.txt"]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("title = 'it\\'s.txt'", ["it's.txt"]),
        ("title contains 'b'", ["b.txt"]),
        ("not title contains 'b' and trashed = false", ["a.txt", "it's.txt", "f"]),
        ("mimeType = 'application/vnd.google-apps.folder'", ["f"]),
        ("mimeType != 'application/vnd.google-apps.folder' and trashed=true", ["c.txt"]),
        ("'root' in parents and (title = 'f' or title = 'b.txt')", ["b.txt", "f"]),
        ("modifiedDate > '2100-01-01T00:00:00'", []),
        ("'me' in owners and trashed = true", ["c.txt"]),
    ],
)
def test_the_search_language(drive, asked, found) -> None:
    for title in ("a.txt", "b.txt", "it's.txt"):
        drive.make(title)
    drive.files("POST", f"/{drive.make('c.txt')['id']}/trash")
    drive.files("POST", body={"title": "f", "mimeType": FOLDER})
    answer = drive.files("GET", q=asked)
    assert sorted(i["title"] for i in answer.json["items"]) == sorted(found)


@pytest.mark.parametrize(
    "asked", ["title", "title = a", "title ~ 'a'", "(trashed = true", "x = 'y'"]
)
def test_a_query_that_drive_does_not_know_is_refused(drive, asked) -> None:
    assert drive.files("GET", q=asked).refused == (400, "invalid")


def test_a_list_comes_in_order_and_in_pages(drive) -> None:
    for title in ("b10", "b9", "a", "c"):
        drive.make(title)
    got: list[str] = []
    token = {}
    while True:
        page = drive.files("GET", maxResults=3, orderBy="title_natural desc", **token).json
        got += [item["title"] for item in page["items"]]
        if "nextPageToken" not in page:
            break
        token = {"pageToken": page["nextPageToken"]}
    assert got == ["c", "b10", "b9", "a"]
    other = drive.files("GET", q="trashed=false", **token)
    assert other.refused == (400, "invalid")


def test_changes_are_followed_from_a_start_token(drive) -> None:
    start = drive.ask("GET", "/drive/v2/changes/startPageToken").json["startPageToken"]
    one, two = drive.make("one")["id"], drive.make("two")["id"]
    drive.files("DELETE", f"/{one}")
    page = drive.ask("GET", "/drive/v2/changes", pageToken=start, maxResults=1).json
    assert "newStartPageToken" not in page and page["items"][0]["fileId"] == two
    last = drive.ask("GET", "/drive/v2/changes", pageToken=page["nextPageToken"]).json
    assert (last["items"][0]["fileId"], last["items"][0]["deleted"]) == (one, True)
    assert "file" not in last["items"][0] and "nextPageToken" not in last
    quiet = drive.ask("GET", "/drive/v2/changes", pageToken=last["newStartPageToken"]).json
    assert quiet["items"] == []
    for token in ("nonsense", "999999"):
        refused = drive.ask("GET", "/drive/v2/changes", pageToken=token)
        assert refused.refused == (400, "invalid")


def test_time_is_the_clients_where_it_says_so(drive) -> None:
    when = "2020-02-03T04:05:06.789Z"
    made = drive.make(modifiedDate=when)
    assert made["modifiedDate"] == when
    one = f"/{made['id']}"
    now = drive.files("PATCH", one, {"title": "b", "modifiedDate": when}).json["modifiedDate"]
    assert now > when
    later = "2021-02-03T04:05:06.789Z"
    told = drive.files("PATCH", one, {"modifiedDate": later}, setModifiedDate="true")
    assert told.json["modifiedDate"] == later


def test_big_answers_come_compressed_to_who_takes_that(drive) -> None:
    drive.make()
    answer = drive.files("GET", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert b"a.txt" in gzip.decompress(answer.body)


def test_a_consent_to_a_programs_own_files_shows_no_others(drive) -> None:
    drive.make("theirs")
    scope = "https://www.googleapis.com/auth/drive.file"
    drive.token = drive.emulator.token("anna@example.org", [scope], "another")
    drive.make("own")
    assert drive.titles() == ["own"]
    assert drive.files("GET", "/root").refused == (404, "notFound")
    drive.token = drive.emulator.token("anna@example.org", [scope + ".nothing"])
    assert drive.files("GET").refused == (403, "insufficientPermissions")


def test_reading_alone_does_not_write(drive) -> None:
    scope = "https://www.googleapis.com/auth/drive.readonly"
    drive.token = drive.emulator.token("anna@example.org", [scope])
    assert drive.titles() == []
    assert drive.files("POST", body={"title": "a"}).refused == (403, "insufficientPermissions")


def test_about_tells_the_quota(drive) -> None:
    drive.store.set_limit("anna@example.org", 10)
    drive.make(data=b"12345678")
    about = drive.ask("GET", "/drive/v2/about").json
    assert (about["quotaBytesTotal"], about["quotaBytesUsed"]) == ("10", "8")
    assert about["rootFolderId"] == drive.root
    assert drive.multipart({"title": "b"}, b"123").refused == (403, "storageQuotaExceeded")


def test_a_file_is_no_page_on_whatever_address_it_is_served(drive) -> None:
    made = drive.make("page.html", b"<script>1</script>", mimeType="text/html")
    answer = drive.files("GET", f"/{made['id']}", alt="media")
    assert answer.headers["Content-Security-Policy"].startswith("sandbox;")
    assert answer.headers["Content-Disposition"] == "attachment"
    assert "sandbox" not in drive.ask("GET", "/").headers["Content-Security-Policy"]


def test_another_sites_form_changes_nothing(drive) -> None:
    form = urlencode({"account": drive.store.accounts()[0].email, "title": "planted.txt"})
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    for site, status in (("cross-site", 403), ("same-site", 403), ("same-origin", 303)):
        headers = kind | {"Sec-Fetch-Site": site}
        assert drive.ask("POST", "/my/new-file", form, headers=headers).status == status
    titles = [
        seen.file.title
        for seen in drive.store.find(Access(drive.store.accounts()[0].email, "test"))
    ]
    assert titles.count("planted.txt") == 1
