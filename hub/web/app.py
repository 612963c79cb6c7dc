"""The routes of the service."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections import defaultdict
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jupyterhub.services.auth import HubOAuth
from tornado.web import Application, RedirectHandler, RequestHandler, StaticFileHandler

from hub import moments, origins, texts
from hub.drive_consent import CALLBACK
from hub.hub_api import HubApi
from hub.installation import Installation
from hub.scopes import PREFIX
from hub.store import Store
from hub.web import words
from hub.web.admin import MachinePage
from hub.web.api import Health, QueueApi, StatusApi
from hub.web.base import Callback, NotFound
from hub.web.blocking import Blocking
from hub.web.course_actions import CourseActions
from hub.web.course_door import BadgePage, CourseDoor, GitHubLink, RootLink
from hub.web.course_lists import CourseListPage
from hub.web.courses import CoursePage, CoursesPage
from hub.web.drive import DriveActions, DrivePage
from hub.web.drive_choose import DriveChoose
from hub.web.drive_connect import DriveCallback, DriveConnect
from hub.web.drive_consents import Consents
from hub.web.invitations import InvitationsPage, RosterPage, Withdraw
from hub.web.material_intakes import IntakePage
from hub.web.material_notebooks import ChangesPage, FilePage, RenderedFile
from hub.web.material_orders import GiveOrder, OrderPage
from hub.web.material_packages import PackagesPage
from hub.web.material_upload import Upload, Uploads
from hub.web.material_versions import UndoPage, VersionPage
from hub.web.materials import MaterialsPage
from hub.web.once import Once
from hub.web.people import PeoplePage, PersonPage
from hub.web.people_actions import PeopleActions
from hub.web.refusals import Refusals
from hub.web.student import About
from hub.web.user_secrets import SecretActions, SecretsPage
from spawner.confinement import GIB

HERE = Path(__file__).parent
PORT = 8600
MOST_BODY_BYTES = 4 * 2**20
"""What one request may send: a class list of the most lines, however it is encoded."""

DRIVE_CALLS = 8
"""Looks into people's Drives at a time."""


def make_app(
    installation: Installation, store: Store, hub_auth: HubOAuth, hub_api: HubApi
) -> Application:
    """The application; opens no port and asks nobody."""
    where = origins.of(installation.settings.server)
    return Application(
        [
            (PREFIX.rstrip("/"), RedirectHandler, {"url": PREFIX}),
            (PREFIX, About),
            (f"{PREFIX}people", PeoplePage),
            (f"{PREFIX}people/do", PeopleActions),
            (f"{PREFIX}people/([^/]+)", PersonPage),
            (f"{PREFIX}invitations", InvitationsPage),
            (f"{PREFIX}invitations/withdraw", Withdraw),
            (f"{PREFIX}roster", RosterPage),
            (f"{PREFIX}courses", CoursesPage),
            (f"{PREFIX}courses/([^/]+)", CoursePage),
            (f"{PREFIX}courses/([^/]+)/do", CourseActions),
            (f"{PREFIX}courses/([^/]+)/people", CourseListPage),
            *_materials(f"{PREFIX}courses/([^/]+)/materials"),
            (f"{PREFIX}c/([^/]+)(?:/(.*))?", CourseDoor),
            (f"{PREFIX}github/(.+)", GitHubLink),
            (f"{PREFIX}badge", BadgePage),
            (f"{PREFIX}secrets", SecretsPage),
            (f"{PREFIX}secrets/do", SecretActions),
            (f"{PREFIX}drive", DrivePage),
            (f"{PREFIX}drive/do", DriveActions),
            (f"{PREFIX}drive/connect", DriveConnect),
            (f"{PREFIX}{CALLBACK}", DriveCallback),
            (f"{PREFIX}drive/choose", DriveChoose),
            (r"/(?:c|github)/(.*)", RootLink, {"pages": where.pages}),
            (f"{PREFIX}admin", MachinePage),
            (f"{PREFIX}api/status", StatusApi),
            (f"{PREFIX}api/queue", QueueApi),
            (f"{PREFIX}health", Health),
            (f"{PREFIX}oauth_callback", Callback),
            (f"{PREFIX}static/(.*)", StaticFileHandler, {"path": str(HERE / "static")}),
        ],
        default_handler_class=NotFound,
        installation=installation,
        store=store,
        hub_auth=hub_auth,
        hub_api=hub_api,
        once=Once(),
        refusals=Refusals(),
        blocking=Blocking(),
        # Of their own: what waits for Google keeps no page of a course waiting.
        drive_calls=Blocking(at_once=DRIVE_CALLS, wait_s=20),
        drive_consents=Consents(),
        uploads=Uploads(),
        publishing=defaultdict(asyncio.Lock),
        pages=pages(),
        # Derived, so that a restart of this process logs nobody out.
        cookie_secret=hmac.new(
            hub_auth.api_token.encode(), b"cookies of the web service", hashlib.sha256
        ).digest(),
        xsrf_cookies=True,
    )


def _materials(below: str) -> list[tuple[str, type[RequestHandler]]]:
    """The pages of what a course publishes."""
    one = f"{below}/(intakes|versions)/([^/]+)"
    return [
        (below, MaterialsPage),
        (f"{below}/order", GiveOrder),
        (f"{below}/upload", Upload),
        (f"{below}/undo", UndoPage),
        (f"{below}/packages", PackagesPage),
        (f"{below}/orders/([^/]+)", OrderPage),
        (f"{below}/intakes/([^/]+)", IntakePage),
        (f"{below}/versions/([^/]+)", VersionPage),
        (f"{one}/changes", ChangesPage),
        (f"{one}/notebook", FilePage),
        (f"{one}/rendered", RenderedFile),
    ]


def pages() -> Environment:
    """The templates: everything that is put into them is escaped."""
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=texts.JINJA["extensions"],
    )
    environment.filters["gib"] = lambda size: f"{size / GIB:.1f} GiB"
    environment.filters["size"] = words.size
    environment.filters["ago"] = words.ago
    environment.filters["moment"] = moments.spelled
    return environment
