"""Orders: a teacher wants a part of their home, or a git branch, read for a course's materials.

Web writes them, housekeeping does them (``ordered``): only it may ask node. What came of one is an
intake, which its teacher looks at and publishes.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import sqlalchemy as sa

from hub import accounts, courses
from hub.audit import By
from hub.enums import OrderState, Source
from hub.materials.marks import clean_message
from hub.materials.places import INTAKE_LIVES, no_intake
from hub.models import intake_orders as rows
from hub.powers import Actor
from spawner.confinement import BRANCH
from spawner.errors import CarrelError, Code

MOST_PATH, MOST_URL = 1024, 1000
_BRANCH = re.compile(BRANCH, re.ASCII)
_UNDER_WAY = (OrderState.WAITING, OrderState.READING)


@dataclass(frozen=True)
class Wish:
    """What is to be read; ``place`` is a path within the home, or an https address."""

    source: Source
    place: str
    branch: str = ""
    message: str = ""
    adds: bool = False
    """Files of the newest version that it does not bring stay."""


@dataclass(frozen=True)
class Order:
    """A wish on record, and what has come of it."""

    id: str
    course: str
    by: str
    at: datetime
    source: Source
    place: str
    branch: str
    message: str
    adds: bool
    state: OrderState
    intake: str | None
    problem: str

    @property
    def under_way(self) -> bool:
        return self.state in _UNDER_WAY


def order(tx: sa.Connection, actor: Actor, slug: str, wish: Wish, by: By) -> Order:
    """Puts the wish on record; it is read within seconds.

    Raises CarrelError: as ``courses.managed``, CONFLICT for an archived course or while another
    wish of the actor's is under way, BAD_INPUT.
    """
    course = courses.managed(tx, actor, slug)
    courses.require_open(course)
    place = path(wish.place) if wish.source is Source.SESSION else address(wish.place)
    if not _BRANCH.fullmatch(wish.branch):
        raise CarrelError(
            Code.BAD_INPUT,
            "There can be no branch of this name.",
            "Give it as the repository's page shows it, or leave it empty.",
        )
    message = clean_message(wish.message)
    # In whatever course: few are read at a time, and everybody's turn comes.
    if _select(tx, rows.c.by == by.who, rows.c.state.in_(_UNDER_WAY)):
        raise CarrelError(
            Code.CONFLICT, "Something of yours is being read already.", "Wait until it is done."
        )
    id_ = secrets.token_hex(8)
    tx.execute(
        rows.insert().values(
            id=id_, course=course.slug, by=by.who, at=by.at, source=wish.source, place=place,
            branch=wish.branch, message=message, adds=wish.adds, state=OrderState.WAITING,
        )
    )  # fmt: skip
    return _get(tx, id_)


def find(tx: sa.Connection, actor: Actor, slug: str, id_: str) -> Order:
    """An order of a course that the actor manages. Raises CarrelError as ``courses.managed``,
    NOT_FOUND."""
    course = courses.managed(tx, actor, slug)
    found = _select(tx, rows.c.course == course.slug, rows.c.id == id_)
    if not found:
        raise no_intake()
    return found[0]


def of_course(tx: sa.Connection, slug: str) -> list[Order]:
    """The newest first."""
    return _select(tx, rows.c.course == slug)


def require_still(tx: sa.Connection, order: Order) -> None:
    """What is asked again before anything is read: a row alone gives nobody a way into a home.

    Raises CarrelError as ``order`` does, and REFUSED where the account is disabled.
    """
    actor = Actor.of(accounts.require_enabled(tx, order.by))
    courses.require_open(courses.managed(tx, actor, order.course))
    made = path(order.place) if order.source is Source.SESSION else address(order.place)
    if made != order.place or not _BRANCH.fullmatch(order.branch):
        raise CarrelError(Code.REFUSED, "This is no order as Carrel writes them.")


def begin(tx: sa.Connection) -> Order | None:
    """Takes the one that has waited longest; it is being read from now on."""
    waiting = _select(tx, rows.c.state == OrderState.WAITING)
    if not waiting:
        return None
    _set(tx, waiting[-1].id, state=OrderState.READING)
    return _get(tx, waiting[-1].id)


def begin_again(tx: sa.Connection) -> None:
    """Those that somebody who has gone was reading wait again."""
    tx.execute(
        rows.update().where(rows.c.state == OrderState.READING).values(state=OrderState.WAITING)
    )


def ready(tx: sa.Connection, id_: str, intake: str) -> None:
    """It has been read whole."""
    _set(tx, id_, state=OrderState.READY, intake=intake)


def failed(tx: sa.Connection, id_: str, problem: str) -> None:
    """It cannot be read; ``problem`` says why, to its teacher."""
    _set(tx, id_, state=OrderState.FAILED, problem=problem[:2000])


def forget(tx: sa.Connection, slug: str, intake: str) -> None:
    """Its intake was published or thrown away."""
    tx.execute(rows.delete().where(rows.c.course == slug, rows.c.intake == intake))


def forget_old(tx: sa.Connection, now: datetime) -> None:
    """Those whose intakes are gone by now."""
    tx.execute(rows.delete().where(rows.c.at < now - INTAKE_LIVES, rows.c.state.not_in(_UNDER_WAY)))


def path(raw: str) -> str:
    """A path within a home, without its ``/content``. Raises CarrelError(BAD_INPUT)."""
    text = raw.strip().removeprefix("~/")
    if text == "/content" or text.startswith("/content/"):
        text = text.removeprefix("/content")
        text = text.removeprefix("/")
    parts = [part for part in text.split("/") if part not in ("", ".")]
    fits = len(text.encode(errors="replace")) <= MOST_PATH and text.isprintable()
    if text.startswith("/") or ".." in parts or not fits:
        raise CarrelError(
            Code.BAD_INPUT,
            "This path is not one within your files.",
            "Give a folder or a file as the file browser shows it, for instance ml/week1.",
        )
    if not parts:
        raise CarrelError(
            Code.BAD_INPUT,
            "All of your files cannot be published.",
            "Put what students get into a folder, and give that folder.",
        )
    return "/".join(parts)


def address(raw: str) -> str:
    """A git repository's address. Raises CarrelError(BAD_INPUT).

    Where it leads is not looked at here: what reads it can reach public addresses alone.
    """
    text = raw.strip()
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise _no_address() from None
    plain = text.isascii() and text.isprintable() and not re.search(r"[\s\\]", text)
    if (
        parts.scheme != "https" or not plain or len(text) > MOST_URL or port == 0
        or not re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", parts.hostname or "")
        or parts.query or parts.fragment
    ):  # fmt: skip
        raise _no_address()
    if parts.username is not None or parts.password is not None:
        raise CarrelError(
            Code.BAD_INPUT,
            "The address holds a name or a password.",
            "Only public repositories can be read: give the address without it.",
        )
    return text


def _no_address() -> CarrelError:
    return CarrelError(
        Code.BAD_INPUT,
        "This is not the address of a git repository.",
        "Give one that begins with https://, as the repository's page shows it.",
    )


def _set(tx: sa.Connection, id_: str, **values: object) -> None:
    tx.execute(rows.update().where(rows.c.id == id_).values(**values))


def _get(tx: sa.Connection, id_: str) -> Order:
    return _select(tx, rows.c.id == id_)[0]


def _select(tx: sa.Connection, *conditions: sa.ColumnElement[bool]) -> list[Order]:
    query = sa.select(rows).where(*conditions).order_by(rows.c.at.desc(), rows.c.id.desc())
    return [Order(**row) for row in tx.execute(query).mappings()]
