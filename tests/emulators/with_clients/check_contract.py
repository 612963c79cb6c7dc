"""What the sync relies on: the same on the emulator and on the real Drive."""

from __future__ import annotations

import hashlib
import io

from googleapiclient.http import MediaIoBaseUpload

CHUNK = 1 << 18


def test_an_id_makes_one_file_however_often_it_is_sent(drive) -> None:
    id_ = drive.new_id()
    drive.make(id=id_)
    assert drive.status(drive.insert(id=id_)) == 409
    assert drive.status(drive.insert("other", b"two", id=id_)) == 409
    assert [item["id"] for item in drive.until(drive.listed)] == [id_]


def test_an_id_that_nobody_generated_is_refused(drive) -> None:
    assert drive.status(drive.insert(id="1" + "x" * 32)) == 400


def test_every_write_changes_the_etag_and_holds_to_if_match(drive) -> None:
    files = drive.service.files()
    first = drive.make()
    renamed = drive.call(files.patch(fileId=first["id"], body={"title": "b"}), first["etag"])
    assert renamed["etag"] != first["etag"]
    media = MediaIoBaseUpload(io.BytesIO(b"two"), "text/plain")
    for request in (
        files.patch(fileId=first["id"], body={"title": "c"}),
        files.update(fileId=first["id"], body={}, media_body=media),
        files.patch(fileId=first["id"], body={"labels": {"trashed": True}}),
        files.trash(fileId=first["id"]),
    ):
        assert drive.status(request, first["etag"]) == 412
    now = files.get(fileId=first["id"]).execute()
    assert now["title"] == "b" and not now["labels"]["trashed"]
    assert now["md5Checksum"] == hashlib.md5(b"one").hexdigest()


def test_what_is_changed_during_a_resumable_upload_is_not_overwritten(drive) -> None:
    files = drive.service.files()
    made = drive.make()
    body = io.BytesIO(b"x" * (2 * CHUNK))
    media = MediaIoBaseUpload(body, "text/plain", chunksize=CHUNK, resumable=True)
    request = files.update(fileId=made["id"], body={}, media_body=media)
    request.headers["If-Match"] = made["etag"]
    status, done = request.next_chunk()
    assert status.resumable_progress == CHUNK and done is None
    drive.call(files.patch(fileId=made["id"], body={"title": "theirs"}))
    assert drive.status(request) == 412
    assert files.get(fileId=made["id"]).execute()["md5Checksum"] == made["md5Checksum"]


def test_what_happens_is_on_the_list_of_changes(drive) -> None:
    changes = drive.service.changes()
    start = changes.getStartPageToken().execute()["startPageToken"]
    made = drive.make()

    def entry():
        token = start
        while True:
            page = changes.list(pageToken=token).execute()
            for item in page["items"]:
                if item["fileId"] == made["id"]:
                    return item
            if "nextPageToken" not in page:
                assert page["newStartPageToken"]
                return None
            token = page["nextPageToken"]

    assert drive.until(entry)["file"]["md5Checksum"] == made["md5Checksum"]
    drive.service.files().trash(fileId=made["id"]).execute()
    drive.until(lambda: entry()["file"]["labels"]["trashed"])
    drive.service.files().delete(fileId=made["id"]).execute()
    drive.until(lambda: entry()["deleted"])
    assert drive.status(drive.service.files().get(fileId=made["id"])) == 404


def test_what_is_in_a_trashed_folder_is_trashed_with_it(drive) -> None:
    files = drive.service.files()
    folder = drive.make("folder", None, mimeType="application/vnd.google-apps.folder")
    inner = drive.make(parents=[{"id": folder["id"]}])
    files.trash(fileId=folder["id"]).execute()

    def seen():
        return files.get(fileId=inner["id"]).execute()

    drive.until(lambda: seen()["labels"]["trashed"])
    assert not seen()["explicitlyTrashed"]
    files.untrash(fileId=folder["id"]).execute()
    drive.until(lambda: not seen()["labels"]["trashed"])


def test_two_files_of_one_title_live_in_one_folder(drive) -> None:
    ids = {drive.make("a/b: ü.txt")["id"], drive.make("a/b: ü.txt")["id"]}
    assert {
        item["id"] for item in drive.until(lambda: drive.listed()[1:] and drive.listed())
    } == ids


def test_a_move_and_a_rename_are_one_request(drive) -> None:
    folder = drive.make("folder", None, mimeType="application/vnd.google-apps.folder")["id"]
    made = drive.make()
    request = drive.service.files().patch(
        fileId=made["id"], body={"title": "b"}, addParents=folder, removeParents=drive.folder
    )
    moved = drive.call(request, made["etag"])
    assert moved["title"] == "b" and [p["id"] for p in moved["parents"]] == [folder]
    assert moved["headRevisionId"] == made["headRevisionId"]


def test_a_download_can_be_pinned_to_the_bytes_that_were_seen(drive) -> None:
    files = drive.service.files()
    made = drive.make()
    media = MediaIoBaseUpload(io.BytesIO(b"two"), "text/plain")
    second = files.update(fileId=made["id"], body={}, media_body=media).execute()
    assert second["headRevisionId"] != made["headRevisionId"]
    pinned = files.get_media(fileId=made["id"], revisionId=made["headRevisionId"])
    assert pinned.execute() == b"one"
    assert files.get_media(fileId=made["id"]).execute() == b"two"


def test_a_document_has_no_bytes(drive) -> None:
    files = drive.service.files()
    made = drive.make("essay", None, mimeType="application/vnd.google-apps.document")
    assert "md5Checksum" not in made and "headRevisionId" not in made
    assert drive.status(files.get_media(fileId=made["id"])) == 403
    assert isinstance(files.export(fileId=made["id"], mimeType="text/plain").execute(), bytes)
