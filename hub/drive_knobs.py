"""The settings of Drive: at which client of Google's people consent, to what, and the limits."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic.functional_validators import AfterValidator

from hub.enums import DriveExport, DriveScope
from hub.knobs import Section, knob
from spawner.confinement import GIB


def _endpoint(text: str) -> str:
    parts = urlsplit(text)
    if not re.fullmatch(r"[!-~]{1,200}", text) or parts.query or parts.fragment:
        raise ValueError("must be an address without spaces, query and fragment")
    if parts.scheme not in ("https", "http") or not parts.hostname or "@" in parts.netloc:
        raise ValueError("must be an https:// address")
    return text


def _page(text: str) -> str:
    """A path is on Carrel's own address: there the demo has its consent page."""
    if re.fullmatch(r"/[a-z0-9][!-~]{0,200}", text) and not urlsplit(text).query:
        return text
    return _endpoint(text)


def _base(text: str) -> str:
    return f"{_endpoint(text).rstrip('/')}/" if text else text


Endpoint = Annotated[str, AfterValidator(_endpoint)]
Page = Annotated[str, AfterValidator(_page)]
Base = Annotated[str, AfterValidator(_base)]


class Drive(Section):
    """Google Drive beside the notebook.

    The client secret is no setting: `./carrel drive secret` puts it where the hub alone reads it.
    """

    client_id: str = knob(
        "",
        "Client ID of your OAuth client at Google; empty: nobody can connect a Drive.",
        pattern=r"^[!-~]{0,256}$",
    )
    scope: DriveScope = knob(
        DriveScope.FULL,
        "What people are asked for: `full`, `read_only` (nothing goes up), or `app_folder` (one "
        "folder that Carrel makes; it shows nothing that is there already).",
    )
    cap_gib: float = knob(
        10.0, "How much of their Drive one person may have synced.", "GiB", gt=0, le=100_000
    )
    poll_s: float = knob(
        5.0, "How often Drive is asked for changes while there are some.", "seconds", ge=1, le=600
    )
    requests_per_s: float = knob(
        50.0,
        "Requests to Google of all sidecars together; each gets an equal share.",
        "per second",
        gt=0,
        le=10_000,
    )
    writes_per_s: float = knob(
        3.0, "Files that one person's sidecar writes to Drive.", "per second", gt=0, le=1000
    )
    flush_s: int = knob(
        60, "How long a session's end waits for what is not in Drive yet.", "seconds", ge=1, le=600
    )
    export: DriveExport = knob(
        DriveExport.LINKS,
        "What Google's own documents are on disk: `links`, or read-only `office` files.",
    )
    trash_days: int = knob(
        30, "How long what was deleted in Drive is kept on disk.", "days", ge=1, le=365
    )
    auth_url: Page = knob(
        "https://accounts.google.com/o/oauth2/v2/auth", "Google's page of consent.", "URL"
    )
    token_url: Endpoint = knob(
        "https://oauth2.googleapis.com/token", "Where consents become tokens.", "URL"
    )
    revoke_url: Endpoint = knob(
        "https://oauth2.googleapis.com/revoke", "Where tokens are given back.", "URL"
    )
    api_url: Base = knob(
        "https://www.googleapis.com/", "The API of Google Drive, below which `drive/v2` is.", "URL"
    )
    sidecar_api_url: Base = knob(
        "", "The same as sidecars reach it; empty: `drive.api_url`.", "URL"
    )

    @property
    def configured(self) -> bool:
        """Whether there is a client at all; the secret is another matter."""
        return bool(self.client_id)

    @property
    def cap_bytes(self) -> int:
        return int(self.cap_gib * GIB)

    @property
    def for_sidecars(self) -> str:
        return self.sidecar_api_url or self.api_url


CLIENT_SECRET = "hub/drive_client_secret"  # noqa: S105  its name
"""Under ``secrets/``: what proves to Google that this is the Carrel it knows."""
