"""A stock JupyterHub with DockerSpawner to compare with: as its documentation sets it up.

Hub and proxy run from Carrel's own images, so that versions are the same; the configuration
is JupyterHub's and DockerSpawner's defaults but for what a comparison needs: the same session
image, a network, anybody may start, and a token for the API.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

NETWORK, HUB, PROXY, PORT = "carrel-stock", "carrel-stock-hub", "carrel-stock-proxy", 8191

CONFIG = """
c = get_config()
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "dockerspawner.DockerSpawner"
c.DockerSpawner.image = {image!r}
c.DockerSpawner.network_name = {network!r}
c.DockerSpawner.use_internal_ip = True
c.DockerSpawner.remove = True
c.DockerSpawner.prefix = {network!r}
c.DockerSpawner.cmd = ["jupyterhub-singleuser", "--allow-root"]
c.DockerSpawner.mem_limit = "1G"
c.DockerSpawner.cpu_limit = 1
c.JupyterHub.hub_ip = "0.0.0.0"
c.JupyterHub.hub_connect_ip = {hub!r}
c.JupyterHub.db_url = "sqlite:////tmp/stock.sqlite"
c.JupyterHub.cookie_secret_file = "/tmp/cookie_secret"
c.ConfigurableHTTPProxy.should_start = False
c.ConfigurableHTTPProxy.api_url = "http://{proxy}:8001"
c.ConfigurableHTTPProxy.auth_token = {proxy_token!r}
c.JupyterHub.services = [{{"name": "bench", "api_token": {token!r}}}]
c.JupyterHub.load_roles = [
    {{"name": "bench", "scopes": ["admin:users", "admin:servers"], "services": ["bench"]}}
]
"""


@asynccontextmanager
async def stock(image: str) -> AsyncIterator[tuple[str, str]]:
    """Address of its API and a token for it."""
    token, proxy_token = secrets.token_hex(16), secrets.token_hex(16)
    hub_image, proxy_image = _image_of("hub"), _image_of("proxy")
    config = CONFIG.format(
        image=image, network=NETWORK, hub=HUB, proxy=PROXY, proxy_token=proxy_token, token=token
    )
    _remove()
    _docker("network", "create", NETWORK)
    try:
        _docker(
            "run", "--detach", "--name", PROXY, "--network", NETWORK,
            "--publish", f"127.0.0.1:{PORT}:8000", "--env", f"CONFIGPROXY_AUTH_TOKEN={proxy_token}",
            "--entrypoint", "sh", proxy_image, "-c",
            "exec node node_modules/.bin/configurable-http-proxy --ip=0.0.0.0 --port=8000 "
            "--api-ip=0.0.0.0 --api-port=8001",
        )  # fmt: skip
        _docker(
            "run", "--detach", "--name", HUB, "--network", NETWORK, "--user", "0",
            "--userns", "host", "--volume", "/var/run/docker.sock:/var/run/docker.sock",
            "--env", f"STOCK={config}", "--entrypoint", "sh", hub_image, "-c",
            'printf "%s" "$STOCK" > /tmp/stock.py && exec jupyterhub -f /tmp/stock.py',
        )  # fmt: skip
        api = f"http://127.0.0.1:{PORT}/hub/api"
        await _answers(api)
        yield api, token
    finally:
        _remove()


async def _answers(api: str) -> None:
    async with aiohttp.ClientSession() as http:
        for _ in range(240):
            try:
                async with http.get(f"{api}/") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.5)
    raise SystemExit(f"the stock hub does not answer; see docker logs {HUB}")


def _image_of(process: str) -> str:
    found = json.loads(_docker("inspect", f"carrelrush-{process}"))
    return str(found[0]["Config"]["Image"])


def _remove() -> None:
    listed = _docker("ps", "--all", "--quiet", "--filter", f"name=^{NETWORK}")
    for container in listed.split():
        _docker("rm", "--force", container)
    subprocess.run(["docker", "network", "rm", NETWORK], capture_output=True, check=False)


def _docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"docker {arguments[0]}: {done.stderr.strip()[-1000:]}")
    return done.stdout
