"""One-click logins of the demo; these routes are not there without ``demo = true``."""

from __future__ import annotations

from hub import accounts, demo
from hub.handlers.form import Form
from spawner.errors import CarrelError, Code


class DemoLogin(Form):
    """``POST /hub/demo``: logs in as one of the demo's people."""

    reopen = "Load the login page again."

    async def post(self) -> None:
        person = demo.find(self.field("name"))
        if person is None:
            raise CarrelError(
                Code.BAD_INPUT, "The demo has nobody of that name.", "Use the login page's buttons."
            )
        by = self.by(person.name)
        account = await self.store.in_thread(
            self.store.decide, accounts.note_login, person.name, by.at
        )
        if account is None:
            raise CarrelError(
                Code.REFUSED,
                f"{person.full_name} is disabled or deleted.",
                "Log in as the admin, or start over: ./carrel demo --reset",
            )
        if self.current_user:
            self.clear_login_cookie()
        await self.log_in(account)
        self.redirect(self.get_next_url(self.current_user))
