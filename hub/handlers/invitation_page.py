"""The page behind an invitation: whoever holds one makes the account and is logged in.

The link is ``<public_url>/hub/invitation#<token>``. A fragment never reaches a server, so the token
is in no log; ``link.js`` moves it into the form, and it travels in the body of a POST alone. That
script asks first what the link is for (``look``), so that the page can greet and propose a name.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

import sqlalchemy as sa

from hub import accounts, audit, invitations, passwords
from hub.accounts import Account, NewAccount
from hub.audit import By
from hub.course_invitations import Told as ToldOf
from hub.handlers.course_invitation import InvitationForm, Shown
from hub.handlers.form import NewPassword, Told
from spawner.errors import CarrelError, Code
from spawner.names import canonical


@dataclass(frozen=True)
class Sent:
    """What the page sends."""

    code: str = field(default="", repr=False)
    username: str = ""
    full_name: str = ""
    new: NewPassword = field(default_factory=NewPassword)


def problems(sent: Sent, min_length: int) -> dict[str, str]:
    """What stands in the way, by field, all at once (pure)."""
    found = {}
    if not sent.code:
        found["code"] = "Paste the code: the part of the invitation after the #."
    name = sent.username
    try:
        name = canonical(sent.username)
    except CarrelError as error:
        found["username"] = str(error)
    try:
        accounts.clean_full_name(sent.full_name)
    except CarrelError as error:
        found["full_name"] = str(error)
    return found | sent.new.problems(name, min_length)


def finish(tx: sa.Connection, sent: Sent, password_hash: str, by: By) -> Account:
    """Makes the account and uses the invitation: both or neither.

    Raises CarrelError: REFUSED for the invitation, CONFLICT for a name that is taken.
    """
    link = invitations.find_usable(tx, sent.code, by.at)
    # The form's role is the invitation's, whatever a browser sends.
    assert link.role is not None
    new = NewAccount(sent.username, link.role, password_hash, sent.full_name)
    account = invitations.accept(tx, sent.code, new, by)
    accounts.note_login(tx, account.name, by.at)
    return account


class InvitationPage(InvitationForm):
    """GET shows the form, POST makes the account, or puts whoever has one into the course."""

    async def get(self) -> None:
        await self._show(Sent(), {})

    async def post(self) -> None:
        sent = Sent(
            code=self.field("code"),
            username=self.field("username"),
            full_name=self.field("full_name"),
            new=self.new_password(),
        )
        if self.field("look"):
            await self.look(self._told(sent.code))
            return
        try:
            if self.field("join"):
                await self.join(sent.code)
                return
            account = await self._create(sent)
        except CarrelError as error:
            if error.code is Code.REFUSED:
                await self._show(sent, {}, unusable=error)
            elif error.code is Code.CONFLICT:
                await self._show(sent, {"username": str(error)})
            else:
                raise
            return
        if account:
            await self.log_in(account)
            course = await self.led_into(sent.code, account.name)
            self.redirect(course or self.get_next_url(self.current_user))

    async def _told(self, code: str) -> Told:
        told = await self.told_of(code)
        fields = {"username": told.link.name or "", "full_name": told.link.full_name}
        return Told(fields, asdict(Shown.of(told)))

    async def _create(self, sent: Sent) -> Account | None:
        """The new account; None when the form was shown again with what is wrong in it."""
        told = await self.told_of(sent.code) if sent.code else None
        if found := problems(sent, self.min_length):
            await self._show(sent, found, told=told)
            return None
        # Only now, so that nobody without a link can make the hub hash.
        hashed = await passwords.in_slot(passwords.hash_password, sent.new.password)
        account: Account = await self.store.in_thread(
            self.store.decide, finish, sent, hashed, self.by(audit.INVITED)
        )
        return account

    async def _show(
        self,
        sent: Sent,
        found: dict[str, str],
        unusable: CarrelError | None = None,
        told: ToldOf | None = None,
    ) -> None:
        status = 403 if unusable else 400 if found else 200
        await self.show_invitation(
            "invitation.html",
            status,
            told,
            form=sent,
            problems=found,
            unusable=unusable,
            given=sent.code,
        )
