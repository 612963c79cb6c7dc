"""Invitations: made, shown once, listed, counted, withdrawn."""

from __future__ import annotations

from datetime import UTC, datetime

from hub import invitations, roster, rosters
from hub.enums import LinkState, Role
from hub.roster import Entry, Roster
from hub.rosters import Terms
from hub.web.people import PeopleHandler
from spawner.errors import CarrelError, Code


class InviteHandler(PeopleHandler):
    """What both kinds of invitations share."""

    def given_role(self) -> Role:
        return self.role(self.get_body_argument("role", Role.STUDENT.value))

    def number(self, name: str, default: int) -> int:
        text = self.get_body_argument(name, "").strip() or str(default)
        if not (text.isascii() and text.isdecimal() and len(text) < 8):
            raise CarrelError(
                Code.BAD_INPUT, f"“{text[:20]}” is no whole number.", "Type digits alone."
            )
        return int(text)

    def days(self) -> int:
        return self.number("days", self.carrel.auth.invitation_days)

    def link(self, token: str) -> str:
        return invitations.url(self.carrel.public_url, token)

    def pasted(self) -> tuple[str, tuple[str, ...]]:
        """What was pasted, or else what was uploaded, and what to tell about it."""
        files = self.request.files.get("file") or []
        if files and files[0]["body"]:
            return roster.decode(files[0]["body"])
        return self.get_body_argument("text", "", strip=False), ()

    def refuse_in_json(self, problem: CarrelError | None, listed: Roster | None) -> None:
        """Tells a program which lines of a list cannot be used."""
        found = listed.problems if listed else ()
        lines = [{"line": p.line, "text": p.text, "message": p.message} for p in found]
        message = str(problem or "Lines cannot be used.")
        self.finish({"status": 400, "message": message, "problems": lines})


class InvitationsPage(InviteHandler):
    """``/invitations``: GET lists them, POST makes one."""

    async def get(self) -> None:
        await self._show()

    async def post(self) -> None:
        wanted = invitations.checked(self.given_role(), self.days(), self.number("uses", 1))
        self.once.take(self.get_body_argument("once", ""))
        _, token = await self.decide(invitations.invite, self.actor, wanted, self.by())
        if self.wants_json:
            self.finish({"link": self.link(token)})
            return
        await self._show(made=self.link(token), wanted=wanted)

    async def _show(
        self, made: str | None = None, wanted: invitations.Invitation | None = None
    ) -> None:
        found = await self.read(invitations.of_actor, self.actor)
        now = datetime.now(UTC)
        orphaned = await self.read(invitations.orphaned, found, now)
        if self.wants_json:
            keys = ("id", "name", "full_name", "created_by", "uses", "most_uses", "course")
            self.finish(
                {
                    "invitations": [
                        {key: getattr(link, key) for key in keys}
                        | {
                            "role": link.role.value if link.role else None,
                            "state": link.state(now).value,
                            "expires_at": link.expires_at.isoformat(),
                            "maker_may_invite": link.id not in orphaned,
                        }
                        for link in found
                    ]
                }
            )
            return
        self.page(
            "invitations.html", links=[(link, link.state(now)) for link in found], made=made,
            withdrawn=self._withdrawn(), orphaned=orphaned, wanted=wanted, roles=self.roles,
            days=self.carrel.auth.invitation_days, open_state=LinkState.OPEN,
            everybody=self.actor.sees_everybody,
            most_uses=invitations.MOST_USES, most_days=invitations.MOST_DAYS,
        )  # fmt: skip

    def _withdrawn(self) -> int:
        """How many were, as the redirect of ``Withdraw`` says."""
        text = self.get_query_argument("withdrawn", "0")
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else 0


class Withdraw(InviteHandler):
    """``POST /invitations/withdraw``: one or more ``id``."""

    async def post(self) -> None:
        ids = self.get_body_arguments("id")
        if not ids:
            raise CarrelError(
                Code.BAD_INPUT, "Nothing was marked.", "Go back and mark an invitation."
            )
        if not all(one.isascii() and one.isdecimal() and len(one) < 12 for one in ids):
            raise CarrelError(
                Code.BAD_INPUT, "There is no such invitation.", "Load the page again."
            )
        numbers = [int(one) for one in dict.fromkeys(ids)]
        done = await self.decide(invitations.withdraw_many, self.actor, numbers, self.by())
        if self.wants_json:
            self.finish({"withdrawn": done})
        else:
            self.redirect(f"{self.prefix}invitations?withdrawn={done}", status=303)


class RosterPage(InviteHandler):
    """``/roster``: a class list is shown as it was understood, then everybody new is invited."""

    async def get(self) -> None:
        self._form("")

    async def post(self) -> None:
        role, days = self.given_role(), self.days()
        terms = Terms(role, invitations.checked(role, days, 1).lifetime)
        text, notes = self.pasted()
        if self.get_body_argument("edit", ""):
            self._form(text)
            return
        try:
            listed = roster.read(text)
        except CarrelError as error:
            self._form(text[:1000], problem=error, notes=notes)
            return
        if listed.problems:
            self._form(text, listed=listed, notes=notes)
            return
        if not self.get_body_argument("invite", ""):
            plan = await self.read(rosters.preview, listed, datetime.now(UTC))
            self.page(
                "roster_plan.html", plan=plan, notes=(*notes, *listed.notes), text=text,
                role=role, days=days,
            )  # fmt: skip
            return
        self.once.take(self.get_body_argument("once", ""))
        invited = await self.decide(rosters.invite, self.actor, listed, terms, self.by())
        rows = [(entry, self.link(token)) for entry, token in invited.tokens]
        self._made(rows, invited.plan.there, days)

    def _form(
        self,
        text: str,
        problem: CarrelError | None = None,
        listed: Roster | None = None,
        notes: tuple[str, ...] = (),
    ) -> None:
        if problem or listed:
            self.set_status(400)
        if self.wants_json and (problem or listed):
            self.refuse_in_json(problem, listed)
            return
        self.page(
            "roster.html", text=text, problem=problem, notes=notes, roles=self.roles,
            problems=listed.problems if listed else (), days=self.carrel.auth.invitation_days,
            most=roster.MOST_LINES, most_days=invitations.MOST_DAYS,
        )  # fmt: skip

    def _made(
        self, rows: list[tuple[Entry, str]], there: tuple[tuple[Entry, str], ...], days: int
    ) -> None:
        table = roster.as_csv(rows)
        if self.wants_json:
            self.finish(
                {
                    "invited": [
                        {"name": e.name, "full_name": e.full_name, "link": link} for e, link in rows
                    ],
                    "there": [{"name": e.name, "why": why} for e, why in there],
                }
            )
        else:
            self.page("roster_made.html", rows=rows, there=there, table=table, days=days)
