"""The routes that node offers, with the parameters that each may carry; all else is refused.

This is the whole list. What DockerSpawner, the reconciler, jobs, Drive and the keeping of homes
need is here; of the engine's own routes archive, attach, build, commit, exec, export, plugins,
prune, update, volumes and the rest are ways around a check of create bodies, and are not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import parse_qsl, unquote

from spawner.confinement import COURSE
from spawner.errors import CarrelError, Code


class Action(Enum):
    """What node does for a route."""

    PING = "ping"
    VERSION = "version"
    HEALTH = "health"
    IMAGE = "image"
    CREATE = "create"
    LIST = "list"
    INSPECT = "inspect"
    START = "start"
    STOP = "stop"
    KILL = "kill"
    REMOVE = "remove"
    LOGS = "logs"
    EVENTS = "events"
    HOMES = "homes"
    HOME_SIZE = "home size"
    HOME_ARCHIVE = "home archive"
    HOME_REMOVE = "home remove"
    JOB = "job"
    COURSE = "course"
    COURSE_SHOW = "course show"
    COURSES_KEEP = "courses keep"
    DRIVE_START = "drive start"
    DRIVE_LIST = "drive list"
    DRIVE_STOP = "drive stop"


@dataclass(frozen=True)
class Route:
    """``query`` maps each parameter that is passed on to the form its value must have."""

    action: Action
    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Match:
    """A request that is on the list. ``name`` is the path's container, image or home, or empty."""

    action: Action
    name: str
    query: dict[str, str]
    course: str = ""
    """Its slug, where the path names one beside the container."""
    session: str = ""
    """Its id, where the path names one beside the user."""


_NAME = r"(?P<name>[A-Za-z0-9][A-Za-z0-9_.-]{0,254})"
_IMAGE = r"(?P<name>[A-Za-z0-9][A-Za-z0-9._/:@-]{0,254})"
# As spawner.names.escape writes them; what it could not have written is refused by ``unescape``.
_HOME = r"(?P<name>[a-z0-9](?:[a-z0-9-]|_[0-9a-f]{2}){0,63})"
_SESSION = r"(?P<session>[0-9a-f]{12})"
_FLAG = r"0|1|[Tt]rue|[Ff]alse"
_TIME = r"[0-9]{1,12}(\.[0-9]{1,9})?"
_FILTERS = r"(?s:.{0,8192})"

ROUTES = (
    Route(Action.PING, "GET", "/_ping"),
    Route(Action.VERSION, "GET", "/version"),
    Route(Action.HEALTH, "GET", "/carrel/health"),
    Route(Action.HOMES, "GET", "/carrel/homes"),
    Route(Action.HOME_SIZE, "GET", f"/carrel/homes/{_HOME}"),
    Route(Action.HOME_ARCHIVE, "GET", f"/carrel/homes/{_HOME}/archive"),
    Route(Action.HOME_REMOVE, "DELETE", f"/carrel/homes/{_HOME}"),
    Route(Action.JOB, "POST", "/carrel/jobs"),
    Route(Action.COURSE, "PUT", f"/carrel/courses/(?P<name>{COURSE})"),
    Route(Action.COURSE_SHOW, "POST", f"/carrel/sessions/{_NAME}/courses/(?P<course>{COURSE})"),
    Route(Action.COURSES_KEEP, "PUT", f"/carrel/sessions/{_NAME}/courses"),
    Route(Action.DRIVE_START, "PUT", f"/carrel/drive/{_HOME}"),
    Route(Action.DRIVE_LIST, "GET", "/carrel/drive"),
    Route(Action.DRIVE_STOP, "POST", f"/carrel/drive/{_HOME}/{_SESSION}/stop"),
    Route(Action.IMAGE, "GET", f"/images/{_IMAGE}/json"),
    Route(Action.CREATE, "POST", "/containers/create", {"name": r"[A-Za-z0-9_.-]{1,255}"}),
    Route(
        Action.LIST,
        "GET",
        "/containers/json",
        {"all": _FLAG, "limit": r"-1|[0-9]{1,6}", "trunc_cmd": _FLAG, "filters": _FILTERS},
    ),
    Route(Action.INSPECT, "GET", f"/containers/{_NAME}/json"),
    Route(Action.START, "POST", f"/containers/{_NAME}/start"),
    Route(Action.STOP, "POST", f"/containers/{_NAME}/stop", {"t": r"[0-9]{1,3}"}),
    Route(Action.KILL, "POST", f"/containers/{_NAME}/kill", {"signal": r"[A-Z0-9]{1,12}"}),
    Route(Action.REMOVE, "DELETE", f"/containers/{_NAME}", {"v": _FLAG, "force": _FLAG}),
    Route(
        Action.LOGS,
        "GET",
        f"/containers/{_NAME}/logs",
        {
            **dict.fromkeys(("stdout", "stderr", "timestamps", "follow"), _FLAG),
            **dict.fromkeys(("since", "until"), _TIME),
            "tail": r"all|[0-9]{1,7}",
        },
    ),
    Route(Action.EVENTS, "GET", "/events", {"since": _TIME, "until": _TIME, "filters": _FILTERS}),
)

_VERSION = r"(/v1\.[0-9]{1,3})?"
_NOT_GIVEN = frozenset({"", "0", "false", "False", "None"})
_MOST_PARAMETERS = 16


def match(method: str, target: str) -> Match:
    """The listed route that a request line means.

    ``target`` is as it came: path and query, still percent-encoded. Raises CarrelError(REFUSED).
    """
    path, _, query = target.partition("?")
    for route in ROUTES:
        found = re.fullmatch(_VERSION + route.path, unquote(path), re.ASCII)
        if found and route.method == method:
            named = found.groupdict()
            return Match(
                route.action,
                named.get("name") or "",
                _parameters(query, route),
                named.get("course") or "",
                named.get("session") or "",
            )
    raise CarrelError(Code.REFUSED, "This is not among the routes that node offers.")


def _parameters(query: str, route: Route) -> dict[str, str]:
    """The parameters to pass on. A client's default for one that is not listed is dropped."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        raise CarrelError(Code.REFUSED, "The query holds too many parameters.") from None
    if len(dict(pairs)) != len(pairs):
        raise CarrelError(Code.REFUSED, "The query holds a parameter twice.")
    kept = {}
    for key, value in pairs:
        form = route.query.get(key)
        if value in _NOT_GIVEN and (form is None or value == ""):
            continue
        if form is None:
            raise CarrelError(
                Code.REFUSED, f"The query holds {key[:40]!a}, which node does not pass on."
            )
        if not re.fullmatch(form, value, re.ASCII):
            raise CarrelError(Code.REFUSED, f"The query's {key} is not of the agreed form.")
        kept[key] = value
    return kept
