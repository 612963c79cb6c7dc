"""Whatever can go wrong with Drive goes wrong in the emulator when it is told to, and only then."""

from __future__ import annotations

import http.client
import json
import time
from urllib.request import Request, urlopen

import pytest
from drive_emulator.emulator import Emulator
from drive_emulator.faults import Fault, Faults, Rule
from drive_emulator.messages import Request as Asked
from drive_emulator.server import serving

pytestmark = pytest.mark.pydrive
CHUNK = 1 << 18
NO_ANSWER = (http.client.RemoteDisconnected, ConnectionError, http.client.IncompleteRead)


def test_an_answer_is_lost_before_anything_was_done(drive) -> None:
    drive.fail(Fault.LOST_BEFORE, "files.insert")
    with pytest.raises(NO_ANSWER):
        drive.multipart({"title": "a"}, b"one")
    assert drive.titles() == []


def test_an_answer_is_lost_after_it_was_done(drive) -> None:
    drive.fail(Fault.LOST_AFTER, "files.insert")
    with pytest.raises(NO_ANSWER):
        drive.multipart({"title": "a"}, b"one")
    assert drive.titles() == ["a"]
    assert [e.status for e in drive.emulator.journal.entries()] == [0, 200]


def test_a_failure_is_told_though_it_was_done(drive) -> None:
    drive.fail(Fault.REFUSE, "files.insert", status=500, applied=True)
    assert drive.multipart({"title": "a"}, b"one").refused == (500, "backendError")
    assert drive.titles() == ["a"]


@pytest.mark.parametrize(
    ("status", "reason"),
    [(403, "userRateLimitExceeded"), (403, "rateLimitExceeded"), (429, "rateLimitExceeded")],
)
def test_too_many_requests_are_refused_in_googles_words(drive, status, reason) -> None:
    drive.fail(Fault.REFUSE, "files.list", status=status, reason=reason, retry_after_s=7)
    answer = drive.files("GET")
    assert answer.refused == (status, reason) and answer.headers["Retry-After"] == "7"
    assert answer.json["error"]["errors"][0]["domain"] == "usageLimits"
    assert drive.files("GET").status == 200


def test_a_front_end_answers_with_a_page(drive) -> None:
    drive.fail(Fault.PAGE, status=502)
    answer = drive.files("GET")
    assert answer.status == 502 and answer.headers["Content-Type"].startswith("text/html")
    assert answer.body.startswith(b"<!DOCTYPE html>")


def test_a_download_ends_in_the_middle(drive) -> None:
    id_ = drive.make(data=b"0123456789")["id"]
    drive.fail(Fault.TRUNCATE, "files.get", amount=4, query="alt=media")
    with pytest.raises(http.client.IncompleteRead) as cut:
        drive.files("GET", f"/{id_}", alt="media")
    assert cut.value.partial == b"0123"


def test_an_upload_breaks_off_and_what_came_is_kept_in_whole_pieces(drive) -> None:
    data = b"x" * (3 * CHUNK)
    session = drive.begin(len(data), title="a")
    drive.fail(Fault.LOST_MIDWAY, "uploads.put", amount=2 * CHUNK + 5)
    with pytest.raises(NO_ANSWER):
        drive.put(session, data, f"0-{len(data) - 1}/{len(data)}")
    asked = drive.put(session, b"", f"*/{len(data)}")
    assert (asked.status, asked.headers["Range"]) == (308, f"bytes=0-{2 * CHUNK - 1}")


@pytest.mark.parametrize("status", [404, 410])
def test_an_uploads_session_expires(drive, status) -> None:
    session = drive.begin(3, title="a")
    if status == 404:
        drive.fail(Fault.EXPIRE_UPLOAD, "uploads.put")
    else:
        drive.fail(Fault.REFUSE, "uploads.put", status=410, reason="gone")
    assert drive.put(session, b"one", "0-2/3").status == status
    assert drive.titles() == []


def test_a_cursor_is_rejected(drive) -> None:
    drive.fail(Fault.REFUSE, "changes.list", status=410, reason="fullSyncRequired")
    assert drive.ask("GET", "/drive/v2/changes", pageToken="1").refused == (410, "fullSyncRequired")


def test_a_list_does_not_know_what_happened_last(drive) -> None:
    drive.make("old")
    drive.make("new")
    drive.fail(Fault.STALE, "files.list", amount=1)
    assert drive.titles() == ["old"]
    assert drive.titles() == ["old", "new"]


def test_a_list_leaves_some_out_and_claims_to_be_whole(drive) -> None:
    for number in range(40):
        drive.make(f"{number}")
    drive.fail(Fault.HALF, "files.list", amount=0.5)
    answer = drive.files("GET").json
    assert 5 < len(answer["items"]) < 35
    assert "nextPageToken" not in answer and answer["incompleteSearch"] is False


def test_pages_are_empty_or_short_and_there_is_more(drive) -> None:
    for number in range(6):
        drive.make(f"{number}")
    drive.fail(Fault.EMPTY_PAGE, "files.list")
    empty = drive.files("GET").json
    assert empty["items"] == []
    drive.fail(Fault.PARTIAL_PAGE, "files.list")
    some = drive.files("GET", maxResults=6, pageToken=empty["nextPageToken"]).json
    rest = drive.files("GET", pageToken=some["nextPageToken"]).json
    assert [len(page["items"]) for page in (some, rest)] == [2, 4]
    drive.fail(Fault.PARTIAL_PAGE, "changes.list")
    changes = drive.ask("GET", "/drive/v2/changes", pageToken="1", maxResults=6).json
    assert len(changes["items"]) == 2 and "nextPageToken" in changes


def test_an_empty_page_of_changes_leads_on(drive) -> None:
    drive.make()
    drive.fail(Fault.EMPTY_PAGE, "changes.list")
    page = drive.ask("GET", "/drive/v2/changes", pageToken="1").json
    assert page["items"] == [] and "newStartPageToken" not in page
    rest = drive.ask("GET", "/drive/v2/changes", pageToken=page["nextPageToken"]).json
    assert len(rest["items"]) == 1


def test_somebody_edits_right_before_and_right_after(drive) -> None:
    made = drive.make()
    drive.fail(Fault.EDIT_BEFORE, "files.patch", edit={"id": made["id"], "text": "theirs"})
    headers = {"If-Match": made["etag"]}
    answer = drive.files("PATCH", f"/{made['id']}", {"title": "b"}, headers=headers)
    assert answer.refused == (412, "conditionNotMet")
    drive.fail(Fault.EDIT_AFTER, "files.get", edit={"id": made["id"], "trashed": True})
    assert drive.files("GET", f"/{made['id']}").json["labels"]["trashed"] is False
    assert drive.files("GET", f"/{made['id']}").json["labels"]["trashed"] is True


def test_a_token_is_revoked_while_it_is_used(drive) -> None:
    drive.fail(Fault.REVOKE, "files.list", after=1)
    assert drive.files("GET").status == 200
    assert drive.files("GET").refused == (401, "authError")
    assert drive.files("GET").refused == (401, "authError")


def test_writes_come_too_fast(drive) -> None:
    drive.emulator.set(writes_per_s=1, write_burst=2)
    went = [drive.multipart({"title": "a"}, b"one").status for _ in range(3)]
    assert went == [200, 200, 403]
    assert drive.files("GET").status == 200


def test_every_answer_of_the_api_takes_its_time(drive) -> None:
    drive.emulator.set(delay_ms=60)
    drive.fail(Fault.DELAY, "about", amount=60)
    began = time.monotonic()
    drive.ask("GET", "/drive/v2/about")
    assert time.monotonic() - began > 0.11


def test_a_seed_chooses_the_same_requests_again() -> None:
    def chosen() -> list[bool]:
        faults = Faults(seed=3)
        faults.add(Rule(Fault.LOST_BEFORE, times=None, probability=0.5))
        request = Asked("GET", "/", {}, None, None, "")
        return [bool(faults.of(request)) for _ in range(40)]

    assert chosen() == chosen()
    assert {True, False} == set(chosen())


def test_the_journal_counts_the_requests_of_a_created_file(drive) -> None:
    drive.files("GET", "/generateIds")
    for title in "abc":
        drive.make(title)
    session = drive.begin(3, title="d")
    drive.put(session, b"one", "0-2/3")
    summary = drive.emulator.journal.summary()
    assert (summary["created"], summary["requests"]) == (4, 6)
    assert summary["requests_per_created"] == 1.5


def call(url: str, method: str, name: str, body: dict | None = None):
    data = None if body is None else json.dumps(body).encode()
    request = Request(f"{url}/control/{name}", data, method=method)
    with urlopen(request, timeout=20) as answer:
        return json.load(answer)["result"]


def test_a_bench_controls_it_over_http(documents, tmp_path) -> None:
    emulator = Emulator(documents, tmp_path, control=True)
    with serving(emulator) as url:
        call(url, "POST", "accounts", {"email": "anna@example.org", "name": "Anna"})
        made = call(
            url, "POST", "files", {"email": "anna@example.org", "title": "a", "text": "one"}
        )
        call(url, "POST", "edit", {"id": made["id"], "text": "two", "title": "b"})
        [file] = call(url, "POST", "tree", {"email": "anna@example.org"})
        assert file["title"] == "b" and len(file["revisions"]) == 2
        assert call(url, "POST", "settings", {"delay_ms": 5})["delay_ms"] == 5
        rule = {"fault": "refuse", "operation": "files.list", "times": None}
        assert call(url, "POST", "faults", {"rules": [rule], "seed": 1}) == 1
        token = call(url, "POST", "tokens", {"email": "anna@example.org"})["access"]
        request = Request(f"{url}/drive/v2/files", headers={"Authorization": f"Bearer {token}"})
        with pytest.raises(OSError, match="503"):
            urlopen(request, timeout=20)
        assert call(url, "GET", "faults")[0]["met"] == 1
        assert call(url, "GET", "summary")["operations"] == {"files.list": 1}
        with pytest.raises(OSError, match="400"):
            call(url, "POST", "faults", {"rules": [{"fault": "nonsense"}]})


def test_nobody_controls_it_unless_that_was_asked_for(drive) -> None:
    assert drive.ask("GET", "/control/journal").status == 404
