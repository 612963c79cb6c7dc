"""A network of its own for browsers, from which one port of this machine can be reached.

Whenever an interface comes or goes, Chromium breaks off requests that wait for a connection
(ERR_NETWORK_CHANGED), and each session's container brings one. People's browsers are on other
machines; so are these, as far as they can see. Needs root.

As a program, ``python -m tests.bench.browsers_network SOCKET PORT``, it is the inner end.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.hub.hub_process import ROOT

PIECE = 64 * 1024


@asynccontextmanager
async def browser_program(program: str, port: int) -> AsyncIterator[str]:
    """A program that runs ``program`` in there. Raises SystemExit when there can be no network."""
    with tempfile.TemporaryDirectory(prefix="carrel-bench-") as folder:
        place, wrapper = Path(folder) / "relay", Path(folder) / "browser"
        outer = await asyncio.start_unix_server(
            lambda r, w: _relay(r, w, asyncio.open_connection("127.0.0.1", port)), place
        )
        inner = await asyncio.create_subprocess_exec(
            "unshare", "--net", "--", "sh", "-c", 'ip link set lo up && exec "$@"', "sh",
            sys.executable, "-m", "tests.bench.browsers_network", str(place), str(port),
            cwd=ROOT, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            assert inner.stdout
            if not await inner.stdout.readline():
                raise SystemExit("The browsers' network cannot be made; that needs root.")
            enter = f'exec nsenter --net=/proc/{inner.pid}/ns/net {program} "$@"'
            wrapper.write_text(f"#!/bin/sh\n{enter}\n")
            wrapper.chmod(0o755)
            yield str(wrapper)
        finally:
            outer.close()
            with suppress(ProcessLookupError):
                inner.terminate()
            await inner.wait()


async def _relay(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    connecting: Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]],
) -> None:
    """Both directions, until both have ended or one is cut off."""
    try:
        there, back = await connecting
    except OSError:
        writer.close()
        return
    await asyncio.gather(_pour(reader, back), _pour(there, writer))
    back.close()
    writer.close()


async def _pour(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await source.read(PIECE):
            sink.write(piece)
            await sink.drain()
        sink.write_eof()


async def _inner(place: str, port: int) -> None:
    server = await asyncio.start_server(
        lambda r, w: _relay(r, w, asyncio.open_unix_connection(place)), "127.0.0.1", port
    )
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_inner(sys.argv[1], int(sys.argv[2])))
