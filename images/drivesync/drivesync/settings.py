"""The hub's settings for this sidecar, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from drivesync.options import Export, Scope

MOST_FOLDERS = 1000


class Unreadable(ValueError):  # noqa: N818  a state of affairs, as in faults
    """The settings are not what they should be; ``str`` names the one at fault."""


@dataclass(frozen=True)
class Chosen:
    """A folder of My Drive that the user chose."""

    id: str
    title: str


@dataclass(frozen=True)
class Settings:
    """Units stand in the names; rates are this sidecar's share of its site's."""

    account: str = ""
    """Id of My Drive: another one is another Drive. Empty: not told."""
    scope: Scope = Scope.FULL
    folders: tuple[Chosen, ...] = ()
    everything: bool = False
    cap_bytes: int = 0
    """0: no cap."""
    poll_s: float = 5.0
    """The shortest time between two looks at Drive."""
    requests_per_s: float = 10.0
    writes_per_s: float = 3.0
    export: Export = Export.LINKS
    trash_days: int = 30
    flush_s: float = 60.0
    """How long the last flush may take after SIGTERM."""
    confirmed_deletion: datetime | None = None
    """When the user last said that a mass deletion was meant."""
    api_url: str = "https://www.googleapis.com/"

    @property
    def nothing_chosen(self) -> bool:
        return not self.folders and not self.everything and self.scope is not Scope.APP_FOLDER


def read(told: object) -> Settings:
    """Settings that are not told keep their defaults; those unknown here are a newer hub's."""
    if not isinstance(told, dict):
        raise Unreadable("settings")
    default = Settings()
    try:
        return Settings(
            account=_one(told, "account", str, default.account),
            scope=Scope(told.get("scope", default.scope.value)),
            folders=_folders(told.get("folders", [])),
            everything=_one(told, "everything", bool, default.everything),
            cap_bytes=int(_number(told, "cap_bytes", default.cap_bytes, least=0)),
            poll_s=_number(told, "poll_s", default.poll_s, least=0.1, most=3600),
            requests_per_s=_number(told, "requests_per_s", default.requests_per_s, least=0.01),
            writes_per_s=_number(told, "writes_per_s", default.writes_per_s, least=0.01),
            export=Export(told.get("export", default.export.value)),
            trash_days=int(_number(told, "trash_days", default.trash_days, least=0, most=36500)),
            flush_s=_number(told, "flush_s", default.flush_s, least=0, most=600),
            confirmed_deletion=_time(told, "confirmed_deletion"),
            api_url=_url(_one(told, "api_url", str, default.api_url)),
        )
    except Unreadable:
        raise
    except (ValueError, OverflowError) as error:
        raise Unreadable(str(error)) from None


def _one(told: Mapping[str, Any], name: str, kind: type, default: Any) -> Any:
    value = told.get(name, default)
    if not isinstance(value, kind):
        raise Unreadable(name)
    return value


def _number(
    told: Mapping[str, Any], name: str, default: float, least: float, most: float = 2**63
) -> float:
    value = told.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unreadable(name)
    if not least <= value <= most:
        raise Unreadable(name)
    return value


def _time(told: Mapping[str, Any], name: str) -> datetime | None:
    if told.get(name) is None:
        return None
    return datetime.fromtimestamp(_number(told, name, 0, least=0, most=2**40), UTC)


def _folders(told: object) -> tuple[Chosen, ...]:
    if not isinstance(told, list) or len(told) > MOST_FOLDERS:
        raise Unreadable("folders")
    folders = []
    for one in told:
        if not isinstance(one, dict) or not isinstance(one.get("id"), str) or not one["id"]:
            raise Unreadable("folders")
        title = one.get("title", "")
        if not isinstance(title, str):
            raise Unreadable("folders")
        folders.append(Chosen(one["id"], title))
    return tuple(folders)


def _url(told: str) -> str:
    parts = urlsplit(told)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Unreadable("api_url")
    return told if told.endswith("/") else told + "/"
