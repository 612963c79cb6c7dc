"""What a session's own server does for Carrel, as an extension of Jupyter Server.

    extension errors addresses settings errands pages
                                              what the rest stands on
    courses copying puller git report         a course's copy, taken, updated and reported
    github fetching shared_copies             one notebook from a public repository
    publish publishing cli                   asks the hub to publish a folder
    packages                                  a course's extra packages, for kernels
    hub_client                                the hub, asked with the session's token
    drive_notes drive_report drive_words drive_flush drive_cli progress_line
                                              what the sync of Drive tells, and a flush
    open_documents open_list browser_requests which documents of Drive are open, told to its sync

Imports nothing of the hub or the spawner: it lives in the session's image.
"""

from __future__ import annotations

from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "carrel_session"}]


def _load_jupyter_server_extension(server: Any) -> None:
    from carrel_session import extension  # noqa: PLC0415 - the command line does without the server

    extension.load(server)


async def _start_jupyter_server_extension(server: Any) -> None:
    from carrel_session import extension  # noqa: PLC0415 - as above

    extension.start(server)
