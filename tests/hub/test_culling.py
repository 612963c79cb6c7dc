"""The idle culler ends sessions by their id, with the true reason, and never a newer one."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub import sessions
from hub.culling import Arbiter, decide
from hub.enums import Reason, State
from hub.hub_api import WantedEnd
from hub.sessions import Session
from hub.settings import Settings
from hub.store import Store
from spawner.errors import CarrelError, Code
from tests.hub.conftest import NOW
from tests.hub.world import opened, until

pytestmark = pytest.mark.process

HOUR = timedelta(hours=1)


@dataclass
class FakeHub:
    trouble: CarrelError | None = None
    ended: list[WantedEnd] = field(default_factory=list)

    def end_session(self, wanted: WantedEnd, timeout_s: float) -> bool:
        if self.trouble:
            raise self.trouble
        self.ended.append(wanted)
        return True


def session(state: State = State.RUNNING, asked_at: datetime = NOW - 13 * HOUR) -> Session:
    return Session("a" * 12, "ada", "small", state, "c", "u", asked_at, asked_at, asked_at,
                   None, None, "")  # fmt: skip


@pytest.mark.parametrize(
    ("there", "inactive", "ends"),
    [
        (session(), 12 * HOUR, True),
        (session(), 12 * HOUR - timedelta(seconds=1), False),
        (session(), None, False),
        (None, 12 * HOUR, False),
        (session(State.DRAINING), 12 * HOUR, False),
        (session(State.STARTING), 12 * HOUR, False),
        # Started since: not the one that was looked at.
        (session(asked_at=NOW - HOUR), 12 * HOUR, False),
    ],
)
def test_only_what_has_been_idle_for_the_limit_ends(
    there: Session | None, inactive: timedelta | None, ends: bool
) -> None:
    wanted = decide(there, inactive, 12 * HOUR, NOW)
    assert (wanted is not None) is ends
    if wanted:
        assert wanted == WantedEnd("ada", "a" * 12, Reason.IDLE, "Not used for 12 hours.")


@pytest.mark.parametrize("trouble", [None, CarrelError(Code.UNAVAILABLE, "away")])
async def test_the_culler_itself_is_always_told_no(
    store: Store, trouble: CarrelError | None
) -> None:
    long_ago = datetime.now(UTC) - 13 * HOUR
    there = store.decide(sessions.open_session, "ada", "small", long_ago)
    store.decide(sessions.mark_running, there.id, "c", "http://x/", long_ago)
    hub = FakeHub(trouble)
    arbiter: Any = Arbiter(Settings(), store, hub)
    for name in ("ada", "bob"):
        server = {"full_name": f"{name}/"}
        assert await arbiter(inactive=13 * HOUR, inactive_limit=1, server=server) is False
    assert [one.session for one in hub.ended] == ([] if trouble else [there.id])


async def test_an_idle_session_ends_as_idle(tmp_path: Path, cheap_hashes: None) -> None:
    """The culler as the hub starts it."""
    idle = {"limit_hours": 3 / 3600, "check_every_minutes": 1 / 30}
    async with opened(tmp_path, idle=idle) as world:
        world.add("ada")
        await world.start("ada")

        async def is_over() -> bool:
            return world.session("ada").state is State.ENDED

        await until(is_over, 30)
        ended = world.session("ada")
        assert ended.reason is Reason.IDLE
        assert ended.detail.startswith("Not used for")
        assert "Traceback" not in world.hub.log
