"""The admins' pages."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime

from hub import remapping, scopes
from hub.installation import Installation
from hub.web import status
from hub.web.base import Handler
from hub.web.status import Status


class AdminHandler(Handler):
    """What is for admins alone."""

    needs = scopes.ADMIN
    needs_says = "This page is for administrators."

    async def look(self) -> Status:
        """The machine and its sessions, now."""
        installation: Installation = self.settings["installation"]
        seen = await self.read(status.look)
        disk = shutil.disk_usage(installation.settings.data_dir / "db")
        return status.build(installation, seen, disk.free, datetime.now(UTC))


class MachinePage(AdminHandler):
    """``/services/carrel/admin``"""

    async def get(self) -> None:
        self.page(
            "machine.html",
            status=await self.look(),
            warning=remapping.WARNING,
            remedy=remapping.REMEDY,
        )
