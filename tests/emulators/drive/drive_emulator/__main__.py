"""``python -m drive_emulator``: serves until it is told to stop (SIGTERM, SIGINT)."""

from __future__ import annotations

import argparse
import signal
import tempfile
import threading
from pathlib import Path

from drive_emulator import samples
from drive_emulator.emulator import Emulator
from drive_emulator.grants import Client
from drive_emulator.server import bind


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory(prefix="drive-emulator-", dir=options.folder) as folder:
        emulator = Emulator(options.discovery, Path(folder), options.seed, options.control)
        emulator.set(delay_ms=options.delay_ms)
        for account in options.account:
            email, _, name = account.partition("=")
            emulator.store.add_account(email, name)
            if options.sample:
                samples.fill(emulator.store, email)
        if options.client_id:
            secret = options.client_secret_file.read_text(encoding="utf-8").strip()
            uris = tuple(options.redirect_uri)
            emulator.add_client(Client(options.client_id, secret, uris, options.client_name))
        server = bind(emulator, options.address, options.port, options.prefix)
        for number in (signal.SIGTERM, signal.SIGINT):
            # `shutdown` waits for the loop, which a handler in the same thread would hold up.
            signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
        print(f"drive emulator: port {server.server_address[1]}", flush=True)
        server.serve_forever()
        server.server_close()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="drive_emulator", description=__doc__)
    add = parser.add_argument
    add("--address", default="127.0.0.1")
    add("--port", type=int, default=8095, help="0: any; it is printed")
    add("--prefix", default="", help="path before everything, taken away where it is there")
    add(
        "--discovery",
        type=Path,
        action="append",
        default=[],
        help="drive.v2.json (and drive.v3.json) as google-api-python-client bundles them",
    )
    add("--account", action="append", default=[], help="email=Name; can be given again")
    add("--sample", action="store_true", help="puts some files into every account")
    add("--client-id", default="", help="the program that people consent to")
    add("--client-secret-file", type=Path)
    add("--client-name", default="Carrel")
    add("--redirect-uri", action="append", default=[], help="exact; can be given again")
    add("--delay-ms", type=int, default=0, help="before every answer")
    add("--folder", type=Path, help="for bytes too many for memory; the system's otherwise")
    add("--seed", type=int, default=0)
    add("--control", action="store_true", help="lets anybody break it at /control/: for tests")
    return parser.parse_args()  # fmt: skip


if __name__ == "__main__":
    main()
