"""JupyterHub's configuration from an installation: parts are joined here, nothing is decided."""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.parse import urlsplit

from jupyterhub.handlers import BaseHandler
from tornado.httpserver import HTTPServer
from traitlets.config import Config

from hub import __version__, demo, demo_drive, hub_database, origins, scopes, texts
from hub.installation import Installation
from hub.lifecycle import Lifecycle
from hub.proxy_activity import ActivityProxy
from hub.settings import Settings
from hub.store import Store, url
from hub.ways_in import way_in
from spawner.bindings import Bindings
from spawner.carrel_spawner import bound

MOST_BODY_BYTES = 2**20
"""What one request may send to the hub."""

PROXY_API = "http://proxy:8001"
WEB_URL = "http://web:8600"

TEMPLATES = Path(__file__).resolve().parents[1] / "config" / "templates"

HEADERS = {
    # Nothing of ours frames the hub, and students' pages on the same origin must not.
    "Content-Security-Policy": "frame-ancestors 'none'; object-src 'none'; base-uri 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


def configure(c: Config, installation: Installation, store: Store) -> None:
    """Fills in everything that Carrel sets."""
    _network(c, installation)
    _restarts(c, installation)
    _people(c, installation, store)
    _sessions(c, installation, store)
    _services(c, installation)
    _pages(c, installation)


def _network(c: Config, installation: Installation) -> None:
    hub = c.JupyterHub
    # JupyterHub has no setting for it: Tornado would keep 100 MiB of anybody's form in memory.
    HTTPServer.configure(None, max_body_size=MOST_BODY_BYTES)
    hub.bind_url = "http://:8000/"
    hub.hub_ip = "0.0.0.0"  # noqa: S104  its container's networks, each with its own guard
    hub.hub_port = 8081
    # One address for sessions and proxy: the name `hub` has two, one on each network.
    hub.hub_connect_ip = installation.hub_address
    hub.trusted_downstream_ips = [installation.proxy_address]
    if installation.settings.server.public_url:
        hub.public_url = f"{installation.settings.server.public_url}/"
    if installation.settings.server.subdomains:
        hub.subdomain_host = installation.settings.public_url
        # Else a session could log its visitors in as somebody else. The spawner tells sessions.
        hub.cookie_host_prefix_enabled = origins.of(installation.settings.server).host_cookies
    hub.proxy_class = ActivityProxy
    c.ConfigurableHTTPProxy.should_start = False
    c.ConfigurableHTTPProxy.api_url = PROXY_API
    c.ConfigurableHTTPProxy.auth_token = installation.secret("proxy/token")


def _restarts(c: Config, installation: Installation) -> None:
    """What lets sessions outlive the hub."""
    hub = c.JupyterHub
    where = url(installation.settings)
    database = str(installation.settings.data_dir / "hub-db" / "jupyterhub.sqlite")
    sqlite = where.get_backend_name() == "sqlite"
    hub.db_url = (
        f"sqlite:///{database}"
        if sqlite
        else where.set(database="jupyterhub").render_as_string(hide_password=False)
    )
    if sqlite:
        hub.db_kwargs = hub_database.KWARGS
    hub.upgrade_db = True
    hub.cookie_secret = bytes.fromhex(installation.secret("hub/cookie"))
    c.CryptKeeper.keys = [bytes.fromhex(installation.secret("hub/crypt_key"))]
    hub.cleanup_servers = False
    hub.cleanup_proxy = False
    # The hub serves at once; sessions of before are checked behind it.
    hub.init_spawners_timeout = 1
    # Also how often routes are compared, see hub.proxy_watch for a proxy that was restarted.
    hub.last_activity_interval = 60


def _people(c: Config, installation: Installation, store: Store) -> None:
    hub = c.JupyterHub
    hub.authenticator_class = way_in(installation.settings, store, installation.secret)
    hub.cookie_max_age_days = installation.settings.auth.login_days
    hub.oauth_require_pkce = True
    hub.custom_scopes = scopes.CUSTOM
    hub.load_roles = scopes.ROLES
    hub.extra_user_scopes = {f"access:services!service={scopes.WEB}"}


def _sessions(c: Config, installation: Installation, store: Store) -> None:
    settings = installation.settings
    house = installation.house()
    policy = Lifecycle(store, house)
    c.JupyterHub.spawner_class = bound(
        Bindings(
            installation.site(),
            house.catalog,
            policy,
            start_limit_s=settings.sessions.start_timeout_s,
            stop_grace_s=settings.sessions.stop_grace_s,
        )
    )
    c.JupyterHub.allow_named_servers = False
    c.JupyterHub.concurrent_spawn_limit = 0  # it would refuse with 429 where admission decides
    c.Spawner.consecutive_failure_limit = 0  # failed starts never end the hub


def _services(c: Config, installation: Installation) -> None:
    etc = str(installation.settings.data_dir / "etc")
    c.JupyterHub.services = [
        {
            "name": scopes.CULLER,
            "command": [sys.executable, "-m", "hub.culling"],
            "environment": {"CARREL_ETC": etc},
        },
        {
            "name": scopes.WEB,
            # External, with a fixed token: a managed service that crashes takes the hub along.
            "url": WEB_URL,
            "api_token": installation.secret("web/token"),
            # The hub waits this long for it at its start, in seconds, before it gives the proxy
            # its routes.
            "timeout": 1,
            "oauth_no_confirm": True,
            "oauth_client_allowed_scopes": [scopes.ADMIN, scopes.PEOPLE],
        },
        {"name": scopes.CLI, "api_token": installation.secret("hub/cli_token")},
        {
            "name": scopes.HOUSEKEEPING,
            "command": [sys.executable, "-m", "hub.housekeeping"],
            "environment": {
                "CARREL_ETC": etc,
                "CARREL_PROXY_API": PROXY_API,
            },
        },
    ]


def _pages(c: Config, installation: Installation) -> None:
    c.JupyterHub.template_paths = [str(TEMPLATES)]
    # Texts of pages go through gettext, so that translations can come without touching them.
    c.JupyterHub.jinja_environment_options = texts.JINJA
    c.JupyterHub.template_vars = {
        "carrel_version": __version__,
        "carrel_url": origins.of(installation.settings.server).pages,
        "carrel_demo": demo.PEOPLE if installation.settings.demo else (),
    }
    c.Proxy.extra_routes = extra_routes(installation.settings)
    c.JupyterHub.redirect_to_server = False
    c.JupyterHub.default_url = start_page
    c.JupyterHub.tornado_settings = {"headers": HEADERS}


def extra_routes(settings: Settings) -> dict[str, str]:
    """What else the proxy leads to: short links to courses and notebooks, which web answers by
    leading to its own pages, and the demo's Google Drive."""
    root = urlsplit(settings.server.public_url).hostname
    at = root if settings.server.subdomains else ""
    drive = {demo_drive.PREFIX: demo_drive.URL.rstrip("/")} if settings.demo else {}
    return dict.fromkeys((f"{at}/c/", f"{at}/github/"), WEB_URL) | drive


def start_page(handler: BaseHandler) -> str:
    """Where people arrive: at what runs, or at the start page."""
    user = handler.current_user
    if user is None:
        return ""  # the hub then asks for a login
    return f"{handler.hub.base_url}{'home' if user.active else 'spawn'}"
