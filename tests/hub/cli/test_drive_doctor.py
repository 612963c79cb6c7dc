"""The doctor of Drive: each step is ok or failed, and a failed one says what to do."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest

from hub.cli import client_secret, drive_doctor
from hub.drive_knobs import CLIENT_SECRET
from hub.drive_sealing import KEY
from hub.settings import Settings
from tests.hub.google import SECRET, Google, answering

Make = Callable[..., Settings]
NOWHERE = dict.fromkeys(("token_url", "revoke_url", "api_url"), "http://127.0.0.1:9/")


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def made(drive: dict, public_url: str = "https://carrel.example.org") -> Settings:
        given = {"data_dir": str(tmp_path), "server": {"public_url": public_url}, "drive": drive}
        return Settings.model_validate(given)

    return made


def ready(settings: Settings, secret: str = SECRET) -> None:
    client_secret.put(settings, secret, CLIENT_SECRET)
    (settings.data_dir / KEY).write_text(secrets.token_hex(32))


async def looked(settings: Settings) -> dict[str, tuple[str, str]]:
    found = await asyncio.to_thread(drive_doctor.doctor, settings)
    assert all(bool(one.remedy) is (one.state != "ok") for one in found), found
    return {one.subject: (one.state, one.says) for one in found}


async def test_all_is_well(make: Make) -> None:
    async with answering(Google()) as google:
        settings = make(google.settings)
        ready(settings)
        found = await looked(settings)
    assert {state for state, _ in found.values()} == {"ok"}
    redirect = "https://carrel.example.org/services/carrel/drive/callback"
    assert found["address"][1].endswith(redirect)
    assert not any(SECRET in says for _, says in found.values())


async def test_nothing_is_there(make: Make) -> None:
    found = await looked(make(NOWHERE, "http://carrel.example.org"))
    bad = {subject for subject, (state, _) in found.items() if state == "bad"}
    assert bad == {"client", "secret", "key", "address", "tokens", "revoking", "api"}


async def test_a_secret_of_another_client_is_found(make: Make) -> None:
    async with answering(Google()) as google:
        settings = make(google.settings)
        ready(settings, "another")
        found = await looked(settings)
        assert found["tokens"][0] == "bad" and "does not know this client" in found["tokens"][1]
        google.away = True
        found = await looked(settings)
        assert {found[one][0] for one in ("tokens", "revoking", "api")} == {"bad"}


async def test_what_works_on_this_machine_alone_is_a_warning(make: Make) -> None:
    assert (await looked(make(NOWHERE, "http://localhost:8000")))["address"][0] == "warning"
