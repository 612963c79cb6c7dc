"""A real hub whose people log in at a real OpenID Connect provider, for tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from hub import invitations
from hub.audit import COMMAND_LINE, By
from hub.enums import Role
from hub.sign_on_knobs import CLIENT_SECRET
from tests.hub.real_hub.running import Hub, free_port
from tests.oidc.provider import Provider


@contextmanager
def signed_on(
    folder: Path, database: sa.URL, people: list[dict[str, object]], **more: object
) -> Iterator[tuple[Hub, Provider]]:
    """Hub and provider, both running; ``more``: other settings of the hub."""
    port = free_port()
    provider = Provider(folder, free_port(), f"http://127.0.0.1:{port}", people)
    settings = provider.settings() | more
    hub = Hub(folder, database, settings, port, {CLIENT_SECRET: provider.client_secret})
    provider.start()
    try:
        hub.start()
        try:
            yield hub, provider
        finally:
            hub.stop()
    finally:
        provider.stop()


def invite(hub: Hub, role: Role = Role.STUDENT, **more: object) -> tuple[int, str]:
    """Id and token of an invitation."""
    wanted = invitations.Invitation(role, timedelta(days=1), **more)
    return hub.store.decide(invitations.create, wanted, now())


def now() -> By:
    return By(COMMAND_LINE, datetime.now(UTC))
