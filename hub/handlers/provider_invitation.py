"""The page behind an invitation where a provider knows the passwords; and none for lost passwords.

It asks for no more than a user name, and sends the browser to the provider with the invitation in
its cookie (``carried``). The account is made when it comes back (``sign_on.admit``).
"""

from __future__ import annotations

from dataclasses import asdict
from urllib.parse import urlencode

import sqlalchemy as sa

from hub import accounts
from hub.course_invitations import Told as ToldOf
from hub.handlers import carried
from hub.handlers.carried import Opened
from hub.handlers.course_invitation import InvitationForm, Shown
from hub.handlers.form import Form, Told
from hub.sign_on import Carried
from spawner.errors import CarrelError, Code


def name_problem(tx: sa.Connection, raw: str) -> str:
    """Why nobody new can have that user name; empty when one can.

    Told before the way to the provider. What happens meanwhile is told after it.
    """
    try:
        taken = accounts.find(tx, raw)
    except CarrelError as error:
        return str(error)
    return f"The name {taken.name} is taken. Choose another one." if taken else ""


class ProviderInvitationPage(InvitationForm):
    """GET shows the form, POST sends the browser to the provider, or puts whoever is logged in
    into the course."""

    async def get(self) -> None:
        kept = carried.opened(self)
        await self._show(
            kept.carried if kept else Carried(""), problem=kept.problem if kept else ""
        )

    async def post(self) -> None:
        kept = carried.opened(self)
        code = self.field("code") or (kept.carried.token if kept else "")
        wanted = Carried(code, self.field("username"))
        if self.field("look"):
            await self.look(self._told(code))
            return
        if not code:
            await self._show(wanted, no_code=True)
            return
        try:
            if self.field("join"):
                await self.join(code)
                return
            told = await self.told_of(code)
        except CarrelError as error:
            if error.code is not Code.REFUSED:
                raise
            carried.drop(self)
            await self._show(Carried(""), unusable=error)
            return
        problem = await self._name_problem(wanted.user_name)
        if problem:
            await self._show(wanted, problem=problem, told=told)
            return
        carried.carry(self, Opened(wanted))
        query = urlencode({"next": self.get_argument("next", "")})
        self.redirect(f"{self.authenticator.login_url(self.hub.base_url)}?{query}")

    async def _told(self, code: str) -> Told:
        told = await self.told_of(code)
        return Told({"username": told.link.name or ""}, asdict(Shown.of(told)))

    async def _name_problem(self, name: str) -> str:
        if not name:
            return ""
        problem: str = await self.store.in_thread(self.store.read, name_problem, name)
        return problem

    async def _show(
        self,
        wanted: Carried,
        problem: str = "",
        *,
        no_code: bool = False,
        unusable: CarrelError | None = None,
        told: ToldOf | None = None,
    ) -> None:
        problems = {"username": problem} if problem else {}
        if no_code:
            problems["code"] = "Paste the code: the part of the invitation after the #."
        status = 403 if unusable else 400 if problems and self.request.method == "POST" else 200
        await self.show_invitation(
            "provider_invitation.html", status, told, wanted=wanted, problems=problems,
            unusable=unusable, provider=self.authenticator.login_service, given=wanted.token,
        )  # fmt: skip


class NoPasswords(Form):
    """Where a reset link would lead."""

    async def get(self) -> None:
        name = self.authenticator.login_service
        raise CarrelError(
            Code.NOT_FOUND,
            "There are no passwords here.",
            f"Log in with {name}; a password that is lost is renewed there.",
        )
