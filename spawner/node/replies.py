"""How node says no: JSON that Docker's clients show, and one line in its log with the reason.

Neither holds what was sent: a create body carries a session's token.
"""

from __future__ import annotations

import json
import logging

from aiohttp import web

from spawner.errors import CarrelError, Code

log = logging.getLogger("carrel.node")

_MOST_CHARACTERS = 120
_LEVELS = {Code.NOT_FOUND: logging.DEBUG, Code.UNAVAILABLE: logging.ERROR}


def no(request: web.BaseRequest, error: CarrelError) -> web.Response:
    level = _LEVELS.get(error.code, logging.WARNING)
    log.log(level, "refused %d %s: %s", error.code.value, _route(request), error)
    return _message(error.code.value, str(error))


def too_much(request: web.BaseRequest, error: web.HTTPException) -> web.Response:
    """What the HTTP server itself refuses: a body over the limit, a broken request."""
    log.warning("refused %d %s: %s", error.status, _route(request), error.reason)
    return _message(error.status, f"{error.reason}.")


def failed(request: web.BaseRequest) -> web.Response:
    log.exception("failed at %s", _route(request))
    return _message(500, "node failed at this; its log says where.")


def _route(request: web.BaseRequest) -> str:
    """Method and path, still percent-encoded, without the query."""
    path = request.raw_path.partition("?")[0]
    return ascii(f"{request.method} {path}"[:_MOST_CHARACTERS])[1:-1]


def _message(status: int, message: str) -> web.Response:
    return web.Response(
        status=status,
        body=json.dumps({"message": message}).encode(),
        content_type="application/json",
    )
