"""Configuration of the JupyterHub that tests start: Carrel's authenticator, all else of the least.

There is no proxy: tests talk to the hub's own port and say in X-Forwarded-For what a proxy would.
"""

import asyncio
import json
import os
from pathlib import Path

from jupyterhub.proxy import Proxy
from jupyterhub.spawner import Spawner, SpawnException
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler
from traitlets import Dict

from hub import demo, origins, passwords, scopes, texts
from hub.settings import Settings
from hub.store import Store
from hub.ways_in import way_in
from spawner.confinement import GIB
from spawner.errors import CarrelError, Code
from spawner.options_form import decide
from spawner.profiles import Catalog, Profile
from spawner.steps import Steps
from tests.hub.real_hub.cheap import CHEAP

SLOW_S = 2
CATALOG = Catalog(
    (Profile("small", "Small", "Light work.", "base", 1, GIB, GIB),), {"base": "carrel/base:1"}
)
wanted = json.loads(Path(os.environ["HUB_FOR_TESTS"]).read_text())


class NoProxy(Proxy):
    """Keeps routes in mind."""

    should_start = False
    routes = Dict()

    async def add_route(self, routespec, target, data):
        self.routes[routespec] = {"routespec": routespec, "target": target, "data": data}

    async def delete_route(self, routespec):
        self.routes.pop(routespec, None)

    async def get_all_routes(self):
        return dict(self.routes)


class PageSpawner(Spawner):
    """A session that is one page, served by the hub's own process; profiles that misbehave."""

    http = None
    steps = Steps()
    last_profile = CATALOG.default

    async def offers(self, proposed=None):
        wanted = CATALOG.find(proposed)
        return decide(CATALOG, {"carrel/base:1"}, self.last_profile, wanted)

    class Page(RequestHandler):
        def get(self, *_path):
            self.set_header("X-JupyterHub-Version", "6.1.1")
            self.write("a session")

    @property
    def profile(self):
        return self.user_options.get("profile", "")

    async def start(self):
        if self.profile == "refused":
            raise SpawnException("the machine is full", reason="capacity")
        if self.profile.startswith("slow"):
            await asyncio.sleep(SLOW_S)
        if self.profile.endswith("broken"):
            raise RuntimeError("no such luck")
        sockets = bind_sockets(0, "127.0.0.1")
        self.http = HTTPServer(Application([(r"/(.*)", self.Page)]))
        self.http.add_sockets(sockets)
        return f"http://127.0.0.1:{sockets[0].getsockname()[1]}"

    async def stop(self, now=False):
        if self.profile == "stubborn":
            await asyncio.sleep(SLOW_S)
        if self.http:
            self.http.stop()
            self.http = None

    async def poll(self):
        return None if self.http else 0

    async def progress(self):
        yield {"progress": 50, "message": "half way"}


def secret(name):
    """As ``Installation.secret``."""
    if name not in wanted["secrets"]:
        raise CarrelError(Code.UNAVAILABLE, f"The secret {name} cannot be read.")
    return wanted["secrets"][name]


# What argon2 costs is tests/hub/test_passwords.py's subject; here it would only take time.
passwords.HASHER = CHEAP
settings = Settings.model_validate(wanted["settings"])
store = Store(wanted["database"])
store.migrate()

c = get_config()  # noqa: F821
c.JupyterHub.authenticator_class = way_in(settings, store, secret)
c.Authenticator.auth_refresh_age = 1
c.JupyterHub.proxy_class = NoProxy
c.JupyterHub.spawner_class = PageSpawner
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{wanted['port']}"
c.JupyterHub.bind_url = f"http://127.0.0.1:{wanted['port'] + 1}"
c.JupyterHub.db_url = f"sqlite:///{wanted['folder']}/jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = f"{wanted['folder']}/cookie_secret"
c.JupyterHub.cookie_host_prefix_enabled = origins.of(settings.server).host_cookies
c.JupyterHub.template_paths = [wanted["templates"]]
c.JupyterHub.jinja_environment_options = texts.JINJA
c.JupyterHub.template_vars = {"carrel_demo": demo.PEOPLE if settings.demo else ()}
c.JupyterHub.tornado_settings = {"slow_spawn_timeout": 0.5, "slow_stop_timeout": 0.5}
c.JupyterHub.redirect_to_server = False
c.Spawner.consecutive_failure_limit = 0
c.JupyterHub.services = [
    {"name": scopes.CLI, "api_token": wanted["cli_token"]},
    {
        # One that people log in to, as they do to Carrel's own pages.
        "name": "pages",
        "api_token": wanted["pages_token"],
        "oauth_client_id": "service-pages",
        "oauth_redirect_uri": "http://127.0.0.1:1/callback",
        "oauth_no_confirm": True,
    },
    {"name": scopes.HOUSEKEEPING, "api_token": wanted["housekeeping_token"]},
]
c.JupyterHub.extra_user_scopes = {"access:services!service=pages"}
c.JupyterHub.custom_scopes = scopes.CUSTOM
c.JupyterHub.load_roles = [
    *(
        role
        for role in scopes.ROLES
        if {*role.get("services", ())} <= {scopes.CLI, scopes.HOUSEKEEPING}
    ),
    {"name": "teacher", "scopes": ["list:users"], "groups": ["role-teacher"]},
]
