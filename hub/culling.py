"""``python -m hub.culling``: the idle culler, whose endings are Carrel's.

jupyterhub-idle-culler looks at activity; its hook decides here, and ends here too, by the id of the
session: its own DELETE could stop one that was started since it looked.
"""

from __future__ import annotations

import asyncio
import logging
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from jupyterhub_idle_culler import IdleCuller

from hub import installation, sessions
from hub.enums import Reason, State
from hub.hub_api import HubApi, WantedEnd, stop_timeout_s
from hub.sessions import Session
from hub.settings import Settings
from hub.store import Store, open_store
from spawner.errors import CarrelError

log = logging.getLogger("carrel.culling")


def decide(
    session: Session | None, inactive: timedelta | None, limit: timedelta, now: datetime
) -> WantedEnd | None:
    """The end of a session that nobody has used for ``limit``, or None (pure).

    One that was asked for later than that is another than the one that was looked at.
    """
    if session is None or session.state is not State.RUNNING or inactive is None:
        return None
    if inactive < limit or now - session.requested_at < limit:
        return None
    hours = limit.total_seconds() / 3600
    return WantedEnd(session.user, session.id, Reason.IDLE, f"Not used for {hours:g} hours.")


@dataclass(frozen=True)
class Arbiter:
    """The culler's hook. It always says no: what is to end, it has ended by then."""

    settings: Settings
    store: Store
    hub: HubApi

    async def __call__(
        self, *, inactive: timedelta | None, server: dict[str, Any], **_more: Any
    ) -> bool:
        user = server["full_name"].rpartition("/")[0]
        limit = timedelta(hours=self.settings.idle.limit_hours)
        try:
            session = await self.store.in_thread(self.store.read, sessions.active_of, user)
            wanted = decide(session, inactive, limit, datetime.now(UTC))
            if wanted is not None:
                limit_s = stop_timeout_s(self.settings)
                ended = await asyncio.to_thread(self.hub.end_session, wanted, limit_s)
                log.info("%s: %s", wanted.detail if ended else "Ended already", server["full_name"])
        except CarrelError as error:
            log.warning("Not ended for being idle: %s: %s", server["full_name"], error)
        return False


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="[culler] %(levelname)s %(message)s")
    settings = installation.load(Path(os.environ["CARREL_ETC"])).settings
    hub = HubApi(os.environ["JUPYTERHUB_API_TOKEN"], os.environ["JUPYTERHUB_API_URL"])
    arbiter = Arbiter(settings, open_store(settings), hub)
    IdleCuller.launch_instance(
        [
            f"--timeout={int(settings.idle.limit_hours * 3600)}",
            f"--cull-every={int(settings.idle.check_every_minutes * 60)}",
        ],
        cull_arbiter_hook=arbiter,
        config_file="",
    )


if __name__ == "__main__":
    main()
