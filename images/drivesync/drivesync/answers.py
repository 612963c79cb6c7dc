"""What an answer of Drive, or none, means: a fault, and whether to ask again. All pure.

Errors of the libraries are told by their classes' names: so this file, and its tests, need none
of them.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drivesync import faults
from drivesync.faults import Fault

BUSY_REASONS = {
    "rateLimitExceeded",
    "userRateLimitExceeded",
    "sharingRateLimitExceeded",
    "dailyLimitExceeded",
    "dailyLimitExceededUnreg",
    "quotaExceeded",
    "concurrentLimitExceeded",
}
FULL_REASONS = {"storageQuotaExceeded"}
GRANT_REASONS = {"authError", "insufficientPermissions", "expired", "required"}
SITE_REASONS = {"accessNotConfigured", "serviceDisabled"}
"""The institution's project is set up wrongly: no file's fault, and no user's."""

BY_STATUS: dict[int, type[Fault]] = {
    401: faults.DeadGrant,
    404: faults.Gone,
    408: faults.Lost,
    409: faults.Exists,
    410: faults.Gone,
    412: faults.Changed,
    429: faults.Busy,
}
"""Where the status says it all. Other 4xx are NotAllowed, everything else is Lost."""

LONGEST_WAIT_S = 32.0
READ_TRIES = 4
"""Of a read that was lost; a write that was lost is never sent again here."""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer that is no success."""

    status: int
    reason: str = ""
    """Google's, of the JSON body; empty for another body, an HTML page say."""
    message: str = ""
    is_json: bool = True
    after_s: float | None = None
    """Of Retry-After."""


class Refused(Exception):  # noqa: N818  it is an answer
    """An answer that is no success, on its way to whoever knows what it means."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self.answer = answer


@dataclass(frozen=True)
class Refusal:
    """A fault, and how long Drive said to wait, if it did."""

    fault: Fault
    after_s: float | None = None


def read_answer(status: int, headers: Mapping[str, str], body: bytes) -> Answer:
    """Takes an answer apart. Never raises: proxies and load balancers send anything."""
    after_s = None
    with contextlib.suppress(KeyError, ValueError):
        after_s = max(0.0, float(headers["retry-after"]))
    try:
        error = json.loads(body)["error"]
        if not isinstance(error, dict):
            return Answer(status, str(error)[:100], "", after_s=after_s)
        first = (error.get("errors") or [{}])[0]
        reason, message = str(first.get("reason", "")), str(error.get("message", ""))
        return Answer(status, reason, message[:300], after_s=after_s)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        return Answer(status, is_json=False, after_s=after_s)


def fault_of_answer(answer: Answer) -> Fault:
    """What it means where nothing more is known about the request."""
    says = answer.message or answer.reason or f"HTTP {answer.status}"
    if answer.status == 403:
        return _forbidden(answer, says)
    if answer.status == 503 and answer.reason in BUSY_REASONS:
        return faults.Busy(says)
    other = faults.NotAllowed if 400 <= answer.status < 500 else faults.Lost
    return BY_STATUS.get(answer.status, other)(says)


def _forbidden(answer: Answer, says: str) -> Fault:
    # A page instead of JSON comes from Google's front door, which turns robots away.
    if answer.reason in BUSY_REASONS or not answer.is_json:
        return faults.Busy(says)
    if answer.reason in FULL_REASONS:
        return faults.RemoteFull(says)
    if answer.reason in SITE_REASONS:
        return faults.Lost(says)
    scopes = "scope" in answer.message.lower()
    if answer.reason in GRANT_REASONS and (answer.reason != "insufficientPermissions" or scopes):
        return faults.DeadGrant(says)
    return faults.NotAllowed(says)


def refusal(error: Exception) -> Refusal | None:
    """What an exception of the libraries means; None: it is none of theirs, but a bug of ours."""
    if isinstance(error, Fault):
        return Refusal(error)
    if isinstance(error, Refused):
        return Refusal(fault_of_answer(error.answer), error.answer.after_s)
    names = {cls.__name__ for cls in type(error).__mro__}
    if "HttpError" in names or "ApiRequestError" in names:
        # pydrive2 wraps googleapiclient's.
        http: Any = error if hasattr(error, "resp") else error.args[0]
        answer = read_answer(int(http.resp.status), http.resp, http.content)
        return Refusal(fault_of_answer(answer), answer.after_s)
    if "RefreshError" in names:
        return Refusal(faults.DeadGrant(str(error)[:300]))
    if names & {"TransportError", "HttpLib2Error", "HTTPException", "ProxyError"}:
        return Refusal(faults.Lost(f"{type(error).__name__}: {error}"[:300]))
    # OSError: sockets, TLS, timeouts. ValueError: a page where JSON was due, or half of it.
    if isinstance(error, OSError | ValueError | KeyError):
        return Refusal(faults.Lost(f"{type(error).__name__}: {error}"[:300]))
    return None


def wait_before(
    again: Refusal, harmless: bool, tries: int, patience_s: float, jitter: float
) -> float | None:
    """Seconds until the request goes again; None: it does not.

    ``tries`` were made, the last ended with ``again``; ``harmless``: it may be done twice;
    ``jitter`` is within 0 to 1.
    """
    backoff_s = min(LONGEST_WAIT_S, 2.0 ** (tries - 1)) * (0.5 + jitter / 2)
    if isinstance(again.fault, faults.Busy):
        wait_s = max(backoff_s, again.after_s or 0.0)
        return wait_s if wait_s <= patience_s else None
    if isinstance(again.fault, faults.Lost) and harmless and tries < READ_TRIES:
        return min(backoff_s / 2, patience_s)
    return None
