"""Everything that is kept about a person as the members of one tar, the home apart.

No password hash, no link's token hash, no value of a secret and no token of a Drive is in it;
addresses are those of the person alone.
"""

from __future__ import annotations

import json
import tarfile
from datetime import datetime
from enum import Enum
from typing import Any

import sqlalchemy as sa

from hub import accounts, audit, models
from hub.audit import Action, By
from spawner.names import canonical

END = bytes(2 * tarfile.BLOCKSIZE)
"""Closes a tar: without it, an archive is not whole."""
Record = dict[str, Any]


def file_name(name: str, now: datetime) -> str:
    """Of a (canonical) name's archive."""
    return f"carrel-{name}-{now:%Y-%m-%d}.tar"


def begin(tx: sa.Connection, name: str, by: By) -> bytes:
    """The members that come before the home, and a line in the audit: both or neither.

    Also for somebody whose account is deleted while the home is kept.
    Raises CarrelError(NOT_FOUND).
    """
    name = canonical(name)
    account = _account(tx, name)
    since = account["created_at"]
    audit.record(tx, by, Action.ACCOUNT_EXPORTED, name)
    return _members(
        {
            "account.json": account,
            "sessions.json": _sessions(tx, name, since),
            "links.json": _links(tx, name, since),
            "courses.json": _courses(tx, name, since),
            "secrets.json": _secrets(tx, name, own=by.who == name),
            "drive.json": _drive(tx, name, own=by.who == name),
            "audit.json": _audit(tx, name, since),
            "login_attempts.json": _attempts(tx, name, since),
        },
        by.at,
    )


def _account(tx: sa.Connection, name: str) -> Record:
    table = models.accounts if accounts.find(tx, name) else models.departures
    found = _rows(tx, table, table.c.name == name)
    if not found:
        raise accounts.unknown(name)
    homes = _rows(tx, models.homes, models.homes.c.name == name)
    account = {key: value for key, value in found[0].items() if key != "password_hash"}
    return account | {"home": next(iter(homes), None)}


# A name may have been somebody else's before: what is older than the account is not theirs.


def _sessions(tx: sa.Connection, name: str, since: datetime) -> list[Record]:
    columns = models.sessions.c
    return _rows(tx, models.sessions, columns.user == name, columns.requested_at >= since)


def _links(tx: sa.Connection, name: str, since: datetime) -> list[Record]:
    """Those they made."""
    columns = models.links.c
    found = _rows(tx, models.links, columns.created_by == name, columns.created_at >= since)
    return [{k: v for k, v in link.items() if k != "token_hash"} for link in found]


def _courses(tx: sa.Connection, name: str, since: datetime) -> list[Record]:
    """Which they are in, as what, and the last report of each copy."""
    seats, reports = models.members, models.copies
    found = _rows(tx, seats, seats.c.user == name, seats.c.since >= since)
    copies = {row["course"]: row for row in _rows(tx, reports, reports.c.user == name)}
    return [seat | {"copy": copies.get(seat["course"])} for seat in found]


def _drive(tx: sa.Connection, name: str, own: bool) -> Record:
    """The consent without its token, and how each sync ended; titles and names of files only in
    an export that the person takes."""
    hidden = {"sealed", "bearer_hash"} | (set() if own else {"folders", "report"})

    def kept(table: sa.Table) -> list[Record]:
        found = _rows(tx, table, table.c.user == name)
        return [{k: value for k, value in row.items() if k not in hidden} for row in found]

    return {"link": next(iter(kept(models.drive_links)), None), "syncs": kept(models.drive_syncs)}


def _secrets(tx: sa.Connection, name: str, own: bool) -> list[Record]:
    """That they are kept. What they say is in no export; what they are called, and which notebooks
    read them, only in one that the person takes."""
    kept, grants = models.secrets, models.secret_grants
    lists = _rows(tx, grants, grants.c.user == name)
    found = []
    for row in _rows(tx, kept, kept.c.user == name):
        shown = {key: row[key] for key in ("created_at", "changed_at")}
        if own:
            of_it = [one for one in lists if one["name"] == row["name"]]
            notebooks = [{key: one[key] for key in ("notebook", "state", "at")} for one in of_it]
            shown |= {"name": row["name"], "everywhere": row["everywhere"], "notebooks": notebooks}
        found.append(shown)
    return found


def _audit(tx: sa.Connection, name: str, since: datetime) -> list[Record]:
    """What they did and what was done to them; from where, only if it was them."""
    columns = models.audit.c
    about = sa.or_(columns.who == name, columns.whom == name)
    found = _rows(tx, models.audit, about, columns.at >= since)
    return [line | {"address": line["address"] if line["who"] == name else None} for line in found]


def _attempts(tx: sa.Connection, name: str, since: datetime) -> list[Record]:
    """Wrong passwords for their name. From where is left out: it may have been somebody else."""
    columns = models.login_attempts.c
    found = _rows(tx, models.login_attempts, columns.name == name, columns.at >= since)
    return [{"at": attempt["at"]} for attempt in found]


def _rows(tx: sa.Connection, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> list[Record]:
    query = sa.select(table).where(*conditions).order_by(*table.primary_key.columns)
    return [dict(row._mapping) for row in tx.execute(query)]


def _members(files: dict[str, Any], now: datetime) -> bytes:
    made = bytearray()
    for name, value in files.items():
        raw = json.dumps(value, default=_plain, indent=1, ensure_ascii=False).encode() + b"\n"
        info = tarfile.TarInfo(name)
        info.size, info.mtime, info.mode = len(raw), int(now.timestamp()), 0o600
        made += info.tobuf(tarfile.PAX_FORMAT) + raw + bytes(-len(raw) % tarfile.BLOCKSIZE)
    return bytes(made)


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return str(value.value)
    raise TypeError(type(value))
