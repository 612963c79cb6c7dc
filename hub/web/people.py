"""The people page: whom somebody looks after, and each of them by themselves."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from hub import departures, invitations, people, powers, scopes, sessions
from hub.enums import Role
from hub.people import Search
from hub.powers import Actor
from hub.web.base import Handler
from spawner.errors import CarrelError, Code
from spawner.names import canonical

MOST_SEARCHED = 100


class PeopleHandler(Handler):
    """What is for those who look after people; powers are decided by the account's role."""

    needs = scopes.PEOPLE
    needs_says = "This page is for teachers and administrators."

    async def prepare(self) -> None:
        await super().prepare()
        if not self._finished:
            powers.require_people(self.actor)

    def role(self, text: str) -> Role:
        """Raises CarrelError(BAD_INPUT) for what is none."""
        try:
            return Role(text)
        except ValueError as error:
            known = ", ".join(role.value for role in Role)
            raise CarrelError(
                Code.BAD_INPUT, "There is no such role.", f"There are: {known}."
            ) from error

    @property
    def roles(self) -> list[Role]:
        """Which the actor may give out."""
        return [role for role in Role if role in powers.INVITABLE[self.person.role]]


class PeoplePage(PeopleHandler):
    """``/people``: search and choose; ``Accept: application/json`` gets the same as JSON."""

    async def get(self) -> None:
        search = self._search()
        found, departed, invited = await self.read(_look, self.actor, search, datetime.now(UTC))
        if self.wants_json:
            shown = [_as_json(person) for person in found.people]
            self.finish({"people": shown, "total": found.total, "page": found.page})
            return
        self.page(
            "people.html",
            found=found,
            search=search,
            departed=departed,
            invited=invited,
            roles=list(Role) if self.actor.sees_everybody else [],
            everybody=self.actor.sees_everybody,
        )

    def _search(self) -> Search:
        text = self.get_query_argument("q", "")[:MOST_SEARCHED]
        status = self.get_query_argument("status", "")
        page = self.get_query_argument("page", "1")
        role = self.get_query_argument("role", "")
        return Search(
            text="".join(c for c in text if c.isprintable()),
            role=self.role(role) if role else None,
            disabled={"active": False, "disabled": True}.get(status),
            running=status == "running",
            page=int(page) if page.isdecimal() and len(page) < 8 else 1,
        )


class PersonPage(PeopleHandler):
    """``/people/<name>``: one person, and what became of the last sessions."""

    async def get(self, name: str) -> None:
        now = datetime.now(UTC)
        person, past = await self.read(_look_at, self.actor, canonical(name), now)
        if self.wants_json:
            self.finish(_as_json(person))
            return
        self.page(
            "person.html", them=person, past=past, roles=self.roles,
            everybody=self.actor.sees_everybody,
        )  # fmt: skip


def _look(
    tx: sa.Connection, actor: Actor, search: Search, now: datetime
) -> tuple[people.Found, Any, int]:
    found = people.find(tx, actor, search, now)
    return found, departures.of_actor(tx, actor), invitations.count_open(tx, actor, now)


def _look_at(
    tx: sa.Connection, actor: Actor, name: str, now: datetime
) -> tuple[people.Person, list[Any]]:
    person = people.one(tx, actor, name, now)
    if person is None:
        raise powers.not_looked_after(name)
    past = sessions.of_user(tx, name, 10, person.created_at) if person.yours else []
    return person, past


def _as_json(person: people.Person) -> dict[str, Any]:
    values = dataclasses.asdict(person)
    for key, value in values.items():
        if isinstance(value, datetime):
            values[key] = value.isoformat()
    return values | {
        "role": person.role.value,
        "state": person.state.value if person.state else None,
        "unknown": person.unknown.value if person.unknown else None,
    }
