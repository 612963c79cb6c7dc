"""What goes wrong on purpose: rules that are set, matched and counted; seeded."""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import Any

from drive_emulator.messages import Request


class Fault(Enum):
    """One way to go wrong."""

    DELAY = "delay"
    """``amount`` milliseconds more."""
    LOST_BEFORE = "lost_before"
    """Nothing is done, and the connection closed without an answer."""
    LOST_AFTER = "lost_after"
    """It is done, and the connection closed without an answer."""
    LOST_MIDWAY = "lost_midway"
    """The connection is closed after ``amount`` bytes of the body."""
    REFUSE = "refuse"
    """``status`` and ``reason`` as JSON; with ``applied``, after it was done."""
    PAGE = "page"
    """``status`` with a page of HTML, as front ends send."""
    TRUNCATE = "truncate"
    """A download ends after ``amount`` bytes."""
    STALE = "stale"
    """A list does not know the last ``amount`` changes."""
    HALF = "half"
    """A list leaves out this part (``amount`` of 1) of what is there, and does not say so."""
    EMPTY_PAGE = "empty_page"
    PARTIAL_PAGE = "partial_page"
    EXPIRE_UPLOAD = "expire_upload"
    """The upload's session is forgotten: 404, or ``status``."""
    REVOKE = "revoke"
    """The grant behind this request's token dies."""
    EDIT_BEFORE = "edit_before"
    """Somebody changes a file right before: ``edit`` is {id, title, text, trashed, parent}."""
    EDIT_AFTER = "edit_after"
    """... right after."""


_QUIRKS = {Fault.STALE, Fault.HALF, Fault.EMPTY_PAGE, Fault.PARTIAL_PAGE}


@dataclass
class Rule:
    """When which fault: an operation (``files.insert``) or a path, by regular expression."""

    fault: Fault
    operation: str = ""
    path: str = ""
    method: str = ""
    query: str = ""
    """Sought in the query, as ``name=value&name=value``."""
    times: int | None = 1
    """None: every time."""
    after: int = 0
    """Lets so many matching requests pass first."""
    probability: float = 1.0
    status: int = 503
    reason: str = "backendError"
    message: str = ""
    retry_after_s: int | None = None
    amount: float = 0
    applied: bool = False
    edit: dict[str, Any] = field(default_factory=dict)
    met: int = 0
    """How often it was done."""

    @classmethod
    def of(cls, found: dict[str, Any]) -> Rule:
        """Raises ValueError for what is no rule."""
        known = {one.name for one in fields(cls)} - {"met"}
        if set(found) - known or "fault" not in found:
            raise ValueError(f"a rule has {sorted(known)}")
        return cls(**{**found, "fault": Fault(found["fault"])})

    def fits(self, request: Request) -> bool:
        query = "&".join(f"{name}={value}" for name, value in request.query.items())
        return (
            (not self.method or self.method == request.method)
            and re.search(self.operation, request.operation) is not None
            and re.search(self.path, request.path) is not None
            and re.search(self.query, query) is not None
        )


class Faults:
    """The rules of one emulator."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._rules: list[Rule] = []

    def add(self, rule: Rule) -> Rule:
        with self._lock:
            self._rules.append(rule)
        return rule

    def replace(self, rules: Iterable[Rule], seed: int | None = None) -> None:
        with self._lock:
            self._rules = list(rules)
            if seed is not None:
                self._random = random.Random(seed)

    def rules(self) -> list[Rule]:
        with self._lock:
            return list(self._rules)

    def of(self, request: Request) -> list[Rule]:
        """What goes wrong with this request; counted, and told to lists as ``quirks``."""
        met: list[Rule] = []
        with self._lock:
            for rule in self._rules:
                if rule.times == 0 or not rule.fits(request):
                    continue
                if rule.after > 0:
                    rule.after -= 1
                elif self._random.random() < rule.probability:
                    rule.met += 1
                    rule.times = None if rule.times is None else rule.times - 1
                    met.append(rule)
            for rule in met:
                if rule.fault in _QUIRKS:
                    request.quirks[rule.fault.value] = rule.amount or True
                    request.quirks["seed"] = self._random.randrange(1 << 30)
        return met
