"""The ``filters`` parameter, rebuilt so that it can only narrow down this installation's sessions.

The engine joins several labels with "and", so labels of the caller's take nothing away from the
two that are forced.
"""

from __future__ import annotations

import json
import re

from spawner.confinement import LABEL_PROJECT, LABEL_SESSION
from spawner.errors import CarrelError, Code
from spawner.node.strict_json import parse_object

FOR_LIST = frozenset({"label", "name", "status"})
FOR_EVENTS = frozenset({"label", "event"})
EVENTS = ("die", "oom", "destroy")
"""Which events of containers may be listened to: none that shows what was run in them."""
_LABEL = r"carrel\.[a-z]+(=[A-Za-z0-9._@+-]{1,128})?"
_WORD = r"[A-Za-z0-9_.-]{1,255}"
_MOST_VALUES = 1024


def rebuild(given: str, allowed: frozenset[str], project: str, **forced: list[str]) -> str:
    """The filters as JSON. Raises CarrelError(REFUSED) for a key or value that is not known."""
    wanted = parse_object(given) if given else {}
    rebuilt: dict[str, list[str]] = {}
    for key, values in wanted.items():
        if key not in allowed:
            raise CarrelError(Code.REFUSED, f"filters: {key[:40]!a} is not passed on.")
        rebuilt[key] = _values(key, values)
    own = [f"{LABEL_PROJECT}={project}", LABEL_SESSION]
    rebuilt["label"] = [*rebuilt.get("label", []), *own]
    return json.dumps(rebuilt | forced)


def for_events(given: str, project: str) -> str:
    """For the stream of events: of containers only, and none but EVENTS."""
    events = (parse_object(given) if given else {}).get("event") or list(EVENTS)
    if not isinstance(events, list) or not {*map(str, events)} <= {*EVENTS}:
        raise CarrelError(Code.REFUSED, f"filters: event must be among {', '.join(EVENTS)}.")
    return rebuild(given, FOR_EVENTS, project, type=["container"], event=events)


def _values(key: str, values: object) -> list[str]:
    form = _LABEL if key == "label" else _WORD
    if not isinstance(values, list) or len(values) > _MOST_VALUES:
        raise CarrelError(Code.REFUSED, f"filters: {key} must be a list.")
    if not all(isinstance(value, str) and re.fullmatch(form, value, re.ASCII) for value in values):
        raise CarrelError(Code.REFUSED, f"filters: {key} holds a value of no known form.")
    return values
