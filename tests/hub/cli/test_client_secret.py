"""The client secret of single sign-on: whole, closed, and the hub's."""

from __future__ import annotations

import io
import json
import stat
import sys
from pathlib import Path

import pytest

from hub import drive_knobs
from hub.cli import client_secret
from hub.settings import Settings
from spawner.errors import CarrelError


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.model_validate({"data_dir": str(tmp_path / "data")})


def test_it_is_there_after_it_was_put_there_and_closed(settings):
    assert not client_secret.is_there(settings)
    client_secret.put(settings, "first")
    client_secret.put(settings, "second")
    where = client_secret.path(settings)
    assert client_secret.is_there(settings)
    assert where.read_text() == "second"
    assert stat.S_IMODE(where.stat().st_mode) == 0o400
    assert [path.name for path in where.parent.iterdir()] == [where.name], "nothing half written"
    assert stat.S_IMODE(where.parent.stat().st_mode) == 0o711


def test_drives_is_another_file(settings):
    client_secret.put(settings, "of Drive", drive_knobs.CLIENT_SECRET)
    assert client_secret.is_there(settings, drive_knobs.CLIENT_SECRET)
    assert not client_secret.is_there(settings)


@pytest.mark.root
def test_after_the_first_up_it_belongs_to_the_hub(settings):
    etc = settings.data_dir / "etc"
    etc.mkdir(parents=True)
    (etc / "node.json").write_text(json.dumps({"hub_uid": 160751}))
    client_secret.put(settings, "secret")
    assert client_secret.path(settings).stat().st_uid == 160751


def test_a_folder_that_is_none_is_told(settings):
    settings.data_dir.mkdir()
    (settings.data_dir / "secrets").write_text("in the way")
    with pytest.raises(CarrelError, match="cannot be written"):
        client_secret.put(settings, "secret")


@pytest.mark.parametrize("raw", [b"", b"\n", b"a\nb\n", b"\xff\xfe", b"x" * 5000, "é".encode()])
def test_what_is_no_secret_is_refused(monkeypatch, raw):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))
    with pytest.raises(CarrelError, match="no client secret"):
        client_secret.asked(stdin=True)


def test_the_newline_at_its_end_is_not_of_it(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b" s3cret+/= \r\n")))
    assert client_secret.asked(stdin=True) == "s3cret+/="
