"""The demo: a second Carrel beside the first one, to look around in and to throw away."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass

from hub import demo_drive
from hub.cli import client_secret, host, shell, site
from hub.cli import up as up_
from hub.cli.progress import console, warning
from hub.drive_knobs import CLIENT_SECRET as DRIVE_SECRET
from hub.settings import ENV_PREFIX, Settings
from spawner.errors import CarrelError, Code

PROJECT = "carreldemo"
PORT = 8100
SUBNET = "10.203.16.0/20"


@dataclass(frozen=True)
class Options:
    """What the command line may ask of the demo."""

    reset: bool = False
    down: bool = False
    port: int = PORT
    install: bool = True


def demo(options: Options) -> None:
    """Brings the demo up, ends it, or starts it over.

    Raises CarrelError as ``up`` does, and BAD_INPUT before anything that is no demo is touched.
    """
    own_environment(os.environ, site.settings(), options.port)
    settings = site.settings()
    site.require_demo(settings.data_dir)
    if options.down or options.reset:
        host.down()
    if options.reset:
        _wipe(settings)
    if options.down:
        return
    _know_the_drive(settings)
    up_.up(up_.Options(install=options.install))


def _know_the_drive(settings: Settings) -> None:
    """Hands the hub what the demo's Google Drive knows it by; without, all else works."""
    if client_secret.is_there(settings, DRIVE_SECRET):
        return
    try:
        client_secret.put(settings, demo_drive.SECRET, DRIVE_SECRET)
    except CarrelError as error:
        warning(f"Nobody can connect the demo's Google Drive. {error}")


def own_environment(
    environ: dict[str, str] | os._Environ[str], living: Settings, port: int
) -> None:
    """Settings of the demo's own, beside those of the living installation."""
    sections = tuple(f"{ENV_PREFIX}{section}__" for section in ("SERVER", "DRIVE"))
    for name in [n for n in environ if n.startswith(sections)]:
        del environ[name]
    own = {
        "PROJECT": PROJECT,
        "DATA_DIR": f"{living.data_dir}-demo",
        "NETWORK__SUBNET": SUBNET,
        "SERVER__PORT": str(port),
        "SERVER__BIND": "127.0.0.1",
        "SERVER__PUBLIC_URL": "",
        "SERVER__SUBDOMAINS": "false",
        "DATABASE__BACKEND": "sqlite",
        "SIGN_ON__PROVIDER": "local",
        "DEMO": "true",
        **demo_drive.settings(SUBNET),
    }
    environ.update({ENV_PREFIX + key: value for key, value in own.items()})


def _wipe(settings: Settings) -> None:
    """Removes the demo's data; through a container where its files are not ours to remove."""
    data_dir = settings.data_dir
    if not data_dir.exists():
        return
    if os.geteuid() == 0:
        shutil.rmtree(data_dir)
    else:
        image = _an_image()
        command = [
            "docker", "run", "--rm", "--userns", "host", "--network", "none", "--user", "0",
            "--volume", f"{data_dir}:{data_dir}", "--entrypoint", "find", image,
            str(data_dir), "-mindepth", "1", "-delete",
        ]  # fmt: skip
        if subprocess.run(command, check=False).returncode != 0:
            raise CarrelError(
                Code.FAILED, f"{data_dir} could not be emptied.", "Remove it as root."
            )
    console.print("The demo's data is removed.")


def _an_image() -> str:
    answer = shell.run(["docker", "images", "--format", "{{.Repository}}:{{.Tag}}", "carrel/node"])
    names = answer.out.split()
    if not names:
        raise CarrelError(
            Code.FAILED, "There is no image to remove the demo's files with.", "Run ./carrel up."
        )
    return names[0]
