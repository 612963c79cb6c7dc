"""The server on the unix socket: who asks, what is asked, and the answer's way back."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable

from aiohttp import web
from aiohttp.typedefs import Handler

from spawner.errors import CarrelError, Code
from spawner.node import replies, routes
from spawner.node.actions import Actions
from spawner.node.engine import Answer, Call, Engine
from spawner.node.job_runner import Output
from spawner.node.listener import peer_uid
from spawner.node.pieces import Pieces
from spawner.node.routes import Action

log = logging.getLogger("carrel.node")

MOST_BODY_BYTES = 1024 * 1024
WITH_BODY = (Action.CREATE, Action.JOB, Action.COURSES_KEEP, Action.DRIVE_START)


class Application:
    """One handler for every request: ``routes`` is the only list of what there is."""

    def __init__(
        self,
        actions: Actions,
        engine: Engine,
        hub_uid: int,
        uid_of: Callable[[web.Request], int] | None = None,
    ) -> None:
        self._actions = actions
        self._engine = engine
        self._may_connect = {hub_uid, 0}
        self._uid_of = uid_of or _uid_of

    def make(self) -> web.Application:
        # A middleware and no router: not one odd path is answered by anybody else.
        @web.middleware
        async def handle(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._handle(request)

        return web.Application(client_max_size=MOST_BODY_BYTES, middlewares=[handle])

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        try:
            result = await self._do(request)
        except CarrelError as error:
            return replies.no(request, error)
        except web.HTTPException as error:
            return replies.too_much(request, error)
        except ConnectionError:
            raise  # the caller has gone; there is nobody to answer
        except Exception:
            return replies.failed(request)
        if isinstance(result, Answer):
            return web.Response(
                status=result.status, body=result.content, content_type=result.content_type
            )
        return result

    async def _do(self, request: web.Request) -> Answer | web.StreamResponse:
        if self._uid_of(request) not in self._may_connect:
            raise CarrelError(Code.REFUSED, "Only the hub may ask node.")
        match = routes.match(request.method, request.raw_path)
        if match.action not in WITH_BODY and request.body_exists:
            raise CarrelError(Code.REFUSED, "This route takes no body.")
        result = await self._actions.do(match, await request.read())
        if isinstance(result, Call):
            async with self._engine.stream(result) as upstream:
                response = _head(upstream.status, upstream.content_type)
                return await _pass_on(request, response, upstream.content.iter_any())
        if isinstance(result, Pieces | Output):
            async with result as pieces:
                return await _pass_on(request, _head(200, result.content_type), pieces)
        return result


def _head(status: int, content_type: str) -> web.StreamResponse:
    return web.StreamResponse(status=status, headers={"Content-Type": content_type})


async def _pass_on(
    request: web.Request, response: web.StreamResponse, pieces: AsyncIterator[bytes]
) -> web.StreamResponse:
    """Piece by piece, as they come."""
    await response.prepare(request)
    try:
        async for piece in pieces:
            await response.write(piece)
        await response.write_eof()
    except Exception as error:
        if not isinstance(error, ConnectionError):
            log.warning("a stream broke off: %r", error)
        # So that the server hangs up: the caller must see a break, not an end.
        raise ConnectionResetError("the stream broke off") from None
    return response


def _uid_of(request: web.Request) -> int:
    if request.transport is None:
        raise ConnectionResetError("the caller has gone")
    return peer_uid(request.transport.get_extra_info("socket"))
