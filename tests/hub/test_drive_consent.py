"""Consents, pure and sealed; looks into a Drive; what is asked of Google stays within bounds."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub import drive_consent, drive_folders, drive_google, drive_sealing
from hub.drive_folders import Look
from hub.drive_links import MOST_TITLE
from hub.drive_sealing import KEY
from hub.enums import DriveScope
from hub.settings import Settings, load
from hub.web.drive_consents import LASTS, Consents
from spawner.errors import CarrelError, Code
from tests.hub.google import Google, answering

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_a_verifier_is_challenged_as_rfc_7636_has_it() -> None:
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # appendix B
    assert drive_consent.challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_subdomains_move_the_redirect_along() -> None:
    server = {"public_url": "https://carrel.example.org", "subdomains": True}
    settings = Settings.model_validate({"server": server})
    assert drive_consent.redirect_uri(settings) == (
        "https://carrel--service.carrel.example.org/services/carrel/drive/callback"
    )


@pytest.mark.parametrize(
    "answer",
    [None, [], {}, {"access_token": ""}, {"access_token": 1},
     {"access_token": "a", "expires_in": 0},
     {"access_token": "a", "expires_in": "3600"}, {"access_token": "a", "expires_in": True}],
)  # fmt: skip
def test_what_is_no_token_is_not_taken(answer: Any) -> None:
    with pytest.raises(CarrelError) as refused:
        drive_consent.tokens(answer, NOW)
    assert refused.value.code is Code.UNAVAILABLE


def test_no_access_token_is_used_for_more_than_an_hour() -> None:
    found = drive_consent.tokens({"access_token": "a", "expires_in": 10**6}, NOW)
    assert found.expires_at - NOW == timedelta(hours=1) and found.refresh is None
    assert "access='a'" not in repr(found)


@pytest.mark.parametrize("scope", list(DriveScope))
def test_the_box_that_was_not_ticked_is_named(scope: DriveScope) -> None:
    wanted = drive_consent.SCOPES[scope]
    drive_consent.require_granted(scope, ("openid", wanted))
    drive_consent.require_granted(scope, None)  # it did not say: what was asked for
    others = [one for one in drive_consent.SCOPES.values() if one != wanted]
    with pytest.raises(CarrelError) as refused:
        drive_consent.require_granted(scope, others)
    with pytest.raises(CarrelError):
        drive_consent.require_granted(scope, ())
    assert drive_consent.BOXES[scope] in refused.value.hint


def test_a_consent_comes_back_once_in_time_to_whom_it_belongs() -> None:
    consents = Consents()
    state, away = consents.begin("ada", NOW)
    for user, browser in (("eve", away.browser), ("ada", "other"), ("ada", "")):
        state, away = consents.begin("ada", NOW)
        with pytest.raises(CarrelError):
            consents.take(state, user, browser, NOW)
        with pytest.raises(CarrelError):  # whoever brought it, it is used
            consents.take(state, "ada", away.browser, NOW)
    state, away = consents.begin("ada", NOW)
    with pytest.raises(CarrelError):
        consents.take(state, "ada", away.browser, NOW + LASTS + timedelta(seconds=1))
    first, _ = consents.begin("ada", NOW)
    second, away = consents.begin("ada", NOW)
    with pytest.raises(CarrelError):
        consents.take(first, "ada", away.browser, NOW)
    assert consents.take(second, "ada", away.browser, NOW) is away
    assert len(away.verifier) >= 43 and away.verifier not in repr(away)


def test_a_token_is_sealed_for_one_person_and_survives_a_new_key(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    path = tmp_path / KEY
    path.parent.mkdir(parents=True)
    with pytest.raises(CarrelError):
        drive_sealing.keys(settings)
    old, new = secrets.token_hex(32), secrets.token_hex(32)
    path.write_text(old)
    sealed = drive_sealing.seal(drive_sealing.keys(settings), "ada", "1//token")
    assert drive_sealing.open_(drive_sealing.keys(settings), "eve", sealed) is None
    path.write_text(f"{new}\n{old}\n")
    opened = drive_sealing.open_(drive_sealing.keys(settings), "ada", sealed)
    assert opened and opened.token == "1//token" and opened.fresh
    path.write_text(new)
    keys = drive_sealing.keys(settings)
    assert drive_sealing.open_(keys, "ada", sealed) is None
    again = drive_sealing.open_(keys, "ada", opened.fresh)
    assert again and (again.token, again.fresh) == ("1//token", None)
    for broken in ("", "abc", f"{new}\nabcd"):
        path.write_text(broken)
        with pytest.raises(CarrelError) as refused:
            drive_sealing.keys(settings)
        assert refused.value.code is Code.UNAVAILABLE


def test_tokens_go_over_https_unless_it_is_a_demo(tmp_path: Path) -> None:
    file = tmp_path / "carrel.toml"

    def loaded(drive: str, first: str = "") -> Settings:
        file.write_text(f"{first}\n[drive]\n{drive}\n")
        return load(file, {})

    plain = 'token_url = "http://tokens.example.org/token"'
    with pytest.raises(CarrelError) as refused:
        loaded(plain)
    assert "drive.token_url: must begin with https://" in str(refused.value)
    assert loaded(plain, "demo = true").demo
    for bad in ("ftp://x/", "https://x/?a=b", "https://u:p@x/", "nowhere", "//x/y"):
        with pytest.raises(CarrelError):
            loaded(f'auth_url = "{bad}"')
    assert loaded('auth_url = "/demo-drive/o/auth"').drive.auth_url == "/demo-drive/o/auth"


async def test_a_drive_is_counted_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    async with answering(Google()) as google:
        google.access.add("a")
        for number in range(12):
            google.folder(f"d{number}", f"D{number}", "root" if number < 3 else f"d{number - 3}")
            google.file(f"x{number}", 10, f"d{number}")
        drive = Settings.model_validate({"drive": google.settings}).drive
        level = await Look(drive, "a").level("root")
        assert [(f["title"], f["files"], f["bytes"], f["at_least"]) for f in level["folders"]] == [
            (f"D{number}", 4, 40, False) for number in range(3)
        ]
        found = await Look(drive, "a").chosen(["d3", "d0", "d4"])
        assert [(one.id, one.path, one.files) for one in found] == [
            ("d0", "D0", 4), ("d4", "D1/D4", 3),
        ]  # d3 is in d0  # fmt: skip
        monkeypatch.setattr(drive_folders, "MOST_REQUESTS", 4)
        google.asked = 0
        level = await Look(drive, "a").level("root")
        assert any(one["at_least"] for one in level["folders"]) and google.asked <= 6
        monkeypatch.setattr(drive_google, "PAGE", 2)
        items, more = await drive_google.children(drive, "a", "root")
        assert len(items) == 2 and more
        monkeypatch.setattr(drive_folders, "MOST_REQUESTS", 100)
        assert len((await Look(drive, "a").level("root"))["folders"]) == 3
        monkeypatch.setattr(drive_folders, "MOST_KEPT", 2)
        level = await Look(drive, "a").level("root")
        assert len(level["folders"]) == 2 and not level["whole"]
        with pytest.raises(CarrelError) as refused:
            await Look(drive, "a").chosen(["x1"])
        assert refused.value.code is Code.BAD_INPUT
        with pytest.raises(CarrelError) as refused:
            await Look(drive, "a").chosen(["nowhere"])
        assert refused.value.code is Code.NOT_FOUND
        (own,) = await Look(drive, "a").own("Carrel")
        assert (own.id, own.title) == ("own-folder", "Carrel")
        assert [one.id for one in await Look(drive, "a").own("Carrel")] == ["own-folder"]


async def test_what_others_write_into_a_drive_is_held_within_bounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with answering(Google()) as google:
        google.access.add("a")
        google.folder("d", "T" * 30_000)
        google.file("x", 1)
        google.files["x"]["fileSize"] = "\N{SUPERSCRIPT TWO}"
        drive = Settings.model_validate({"drive": google.settings}).drive
        (folder, file), _ = await drive_google.children(drive, "a", "root")
        assert (folder.title, file.size_bytes) == ("T" * MOST_TITLE, 0)
        monkeypatch.setattr(drive_google, "MOST_BYTES", 30_000)
        with pytest.raises(CarrelError) as refused:
            await drive_google.children(drive, "a", "root")
        assert refused.value.code is Code.UNAVAILABLE


def test_an_id_that_could_be_more_than_one_is_no_id() -> None:
    for wrong in ("", ".", "..", "a'b", "a/b", "../x", "a b", "a?b", None, 3, "x" * 201):
        with pytest.raises(CarrelError):
            drive_google.id_of(wrong)
    assert drive_google.quoted("a'b\\c") == "a\\'b\\\\c"
