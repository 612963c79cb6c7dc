"""The admins' pages."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime

from hub import remapping, scopes, sessions
from hub.installation import Installation
from hub.store import Store
from hub.web.base import Handler
from hub.web.status import Status, build


class AdminHandler(Handler):
    """What is for admins alone."""

    needs = scopes.ADMIN

    async def look(self) -> Status:
        """The machine and its sessions, now."""
        installation: Installation = self.settings["installation"]
        store: Store = self.settings["store"]
        active = await store.in_thread(store.read, sessions.active)
        disk = shutil.disk_usage(installation.settings.data_dir / "db")
        return build(installation, active, disk.free, datetime.now(UTC))


class MachinePage(AdminHandler):
    """``/services/carrel/admin``"""

    async def get(self) -> None:
        self.page(
            "machine.html",
            status=await self.look(),
            warning=remapping.WARNING,
            remedy=remapping.REMEDY,
        )
