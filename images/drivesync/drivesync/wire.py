"""httplib2 as it must be for writes: every request is sent once, and never again by itself.

httplib2 sends a request again whenever the connection breaks, a POST too: one answer lost, two
files made. Here a break is an error, and only who knows what was asked may ask again.
"""

from __future__ import annotations

import base64
import functools
import http.client
import select
import ssl
from collections.abc import Mapping
from typing import Any

from drivesync import lean

with lean.imports():
    import httplib2

BLOCK_BYTES = 64 * 1024


@functools.cache
def _tls() -> ssl.SSLContext:
    # Of the system: its certificates, and those that the institution added. One for all
    # connections: each would be a megabyte.
    return ssl.create_default_context()


class _Connection(http.client.HTTPConnection):
    """Without TLS: an emulator nearby, where no proxy leads."""

    def __init__(self, host: str, timeout: float | None = None, **_: object) -> None:
        super().__init__(host, timeout=timeout, blocksize=BLOCK_BYTES)


class _SecureConnection(http.client.HTTPSConnection):
    """With TLS, through the proxy where there is one. httplib2's own would need PySocks for that,
    and without it, would go past the proxy and say nothing."""

    def __init__(self, host: str, timeout: float | None = None, proxy_info: Any = None) -> None:
        proxy = proxy_info("https") if callable(proxy_info) else proxy_info
        used = proxy is not None and proxy.applies_to(host.rsplit(":", 1)[0])
        address = f"{proxy.proxy_host}:{proxy.proxy_port}" if used else host
        super().__init__(address, timeout=timeout, context=_tls(), blocksize=BLOCK_BYTES)
        if used:
            self.set_tunnel(host, headers=_credentials(proxy))


def _credentials(proxy: Any) -> dict[str, str]:
    if not proxy.proxy_user:
        return {}
    secret = f"{proxy.proxy_user}:{proxy.proxy_pass or ''}".encode()
    return {"Proxy-Authorization": f"Basic {base64.b64encode(secret).decode()}"}


class Http(httplib2.Http):
    """Of one thread. Proxies are the environment's."""

    def __init__(self, timeout_s: float) -> None:
        super().__init__(timeout=timeout_s)
        # 308 is the answer to a part of a resumable upload, and leads nowhere.
        self.redirect_codes = httplib2.REDIRECT_CODES - {308}

    def request(
        self,
        uri: str,
        method: str = "GET",
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> tuple[httplib2.Response, bytes]:
        kind = _SecureConnection if uri.startswith("https:") else _Connection
        options["connection_type"] = kind
        return super().request(uri, method, body, headers, **options)

    def _conn_request(
        self, conn: Any, request_uri: str, method: str, body: Any, headers: Mapping[str, str]
    ) -> tuple[httplib2.Response, bytes]:
        if conn.sock is not None and _ended(conn.sock):
            conn.close()
        try:
            if conn.sock is None:
                conn.connect()
            conn.request(method, request_uri, body, headers)
            answer = conn.getresponse()
            content = b"" if method == "HEAD" else answer.read()
        except BaseException:
            # Whatever comes on it now answers a request that nobody waits for.
            conn.close()
            raise
        response = httplib2.Response(answer)
        if response.get("content-encoding"):
            content = httplib2._decompressContent(response, content, self.limit_kwargs)
        return response, content

    def _auth_from_challenge(self, *_: object) -> list[Any]:
        """No passwords, no digests: tokens are renewed above this."""
        return []


def _ended(sock: Any) -> bool:
    # Nothing was asked: what is there to be read can only be the end.
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))
