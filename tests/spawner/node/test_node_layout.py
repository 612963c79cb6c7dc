"""The data directory's folders and secrets: made once, closed, and never made anew."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import replace

import pytest

from spawner.errors import CarrelError
from spawner.node.layout import ADOPTED, FOLDERS, SECRETS, ensure_layout


def tree(root):
    """Everything that a second run could change, times included."""
    return {
        str(path.relative_to(root)): (
            path.lstat().st_mode,
            path.lstat().st_uid,
            path.lstat().st_ino,
            path.lstat().st_ctime_ns,
            path.read_text() if path.is_file() else "",
        )
        for path in sorted(root.rglob("*"))
    }


def test_the_first_run_makes_every_folder_with_its_mode(config):
    ensure_layout(replace(config, session_uid=100_000))

    modes = {f.path: stat.S_IMODE((config.data_dir / f.path).stat().st_mode) for f in FOLDERS}
    assert modes == {
        "homes": 0o711,
        "hub-db": 0o700,
        "node": 0o700,
        "courses": 0o711,
        "drive": 0o711,
        "drive-state": 0o711,
        "runs": 0o711,
        "backups": 0o700,
        "run": 0o711,
        "db": 0o700,
        "secrets": 0o711,
        "secrets/hub": 0o711,
        "secrets/postgres": 0o711,
        "secrets/proxy": 0o711,
        "secrets/web": 0o711,
    }


def test_secrets_are_different_unguessable_and_closed(config):
    ensure_layout(config)

    values = [(config.data_dir / secret).read_text() for secret in SECRETS]
    assert set(SECRETS) == {
        "secrets/hub/cli_token",
        "secrets/hub/cookie",
        "secrets/hub/crypt_key",
        "secrets/hub/drive_key",
        "secrets/hub/user_secrets_key",
        "secrets/postgres/password",
        "secrets/proxy/token",
        "secrets/web/token",
    }
    assert all(re.fullmatch(r"[0-9a-f]{64}", value) for value in values)
    assert len(set(values)) == len(SECRETS)
    for secret in SECRETS:
        found = (config.data_dir / secret).stat()
        assert (stat.S_IMODE(found.st_mode), found.st_uid) == (0o400, config.hub_uid)


def test_a_second_run_changes_nothing(config):
    ensure_layout(config)
    before = tree(config.data_dir)

    ensure_layout(config)

    assert tree(config.data_dir) == before


def test_a_secret_that_is_there_is_kept_whatever_it_holds(config):
    (config.data_dir / "secrets/proxy").mkdir(parents=True)
    (config.data_dir / "secrets/proxy/token").write_text("from a backup")

    ensure_layout(config)

    assert (config.data_dir / "secrets/proxy/token").read_text() == "from a backup"


def test_a_folder_that_was_opened_is_closed_again(config):
    ensure_layout(replace(config, session_uid=100_000))
    (config.data_dir / "db").chmod(0o755)
    (config.data_dir / "homes").chmod(0o777)

    ensure_layout(replace(config, session_uid=100_000))

    assert stat.S_IMODE((config.data_dir / "db").stat().st_mode) == 0o700
    assert stat.S_IMODE((config.data_dir / "homes").stat().st_mode) == 0o711


def test_nothing_half_written_is_left_behind(config):
    ensure_layout(config)

    names = {path.name for path in (config.data_dir / "secrets").rglob("*")}
    assert not [name for name in names if name.startswith(".")]


def test_a_symlink_in_a_folders_place_is_refused_by_name(config, tmp_path):
    (config.data_dir / "db").symlink_to(tmp_path)
    before = tmp_path.stat().st_mode

    with pytest.raises(CarrelError, match="/db cannot be made ready"):
        ensure_layout(config)

    assert tmp_path.stat().st_mode == before


def test_a_missing_data_directory_is_said(config):
    elsewhere = replace(config, data_dir=config.data_dir / "not/there")

    with pytest.raises(CarrelError, match="cannot be made ready"):
        ensure_layout(elsewhere)


@pytest.mark.root
@pytest.mark.parametrize(("before", "after"), [(1000, 101_000), (101_000, 1000)])
def test_databases_and_secrets_are_handed_over_when_user_remapping_is_switched(
    config, before, after
):
    ensure_layout(replace(config, hub_uid=before))
    database = config.data_dir / "db" / "carrel.sqlite"
    cluster = config.data_dir / "db" / "postgres" / "17" / "PG_VERSION"
    cluster.parent.mkdir(parents=True)
    for file in (database, cluster):
        file.write_text("kept")
        os.chown(file, before, before)
    secret = (config.data_dir / "secrets/web/token").read_text()

    ensure_layout(replace(config, hub_uid=after))

    assert {database.stat().st_uid, cluster.stat().st_uid} == {after}
    assert (config.data_dir / "db").stat().st_uid == after
    assert database.read_text() == "kept"
    token = config.data_dir / "secrets/web/token"
    assert (token.read_text(), token.stat().st_uid) == (secret, after)
    assert stat.S_IMODE(token.stat().st_mode) == 0o400


def test_where_sessions_are_host_root_nobody_else_on_the_host_gets_into_homes(config):
    """A session could leave a setuid program of root's there."""
    ensure_layout(replace(config, session_uid=0))
    for name in ("homes", "drive", "drive-state", "runs"):
        assert stat.S_IMODE((config.data_dir / name).stat().st_mode) == 0o700


@pytest.mark.parametrize("secret", ADOPTED)
def test_a_secret_of_the_administrators_is_closed_and_never_made_up(config, secret):
    ensure_layout(config)
    path = config.data_dir / secret
    assert not path.exists()
    path.write_text("given by the provider")
    path.chmod(0o644)

    ensure_layout(config)

    assert path.read_text() == "given by the provider"
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    assert path.stat().st_uid == config.hub_uid
