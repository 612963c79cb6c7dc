"""Where links to a course or to a notebook on GitHub lead: into the person's own session.

What is behind ``carrel/…`` there is a program of the session, which takes the copy and opens it.
That somebody is in a course is asked where the link begins (``hub.web.course_door``). What the
session sees of it holds that: a course that was joined while it runs is shown to it here.
"""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote, urlencode

from tornado import web

from hub import course_groups, course_names, github_links, node_api
from hub.enums import LinkTarget
from hub.handlers.form import Form
from hub.handlers.open_page import POLL_S
from hub.session_paths import is_below_content
from spawner.background import keep
from spawner.errors import CarrelError, Code


def target(kind: LinkTarget, rest: str) -> str:
    """The address below the session's own, quoted; ``rest`` is percent-decoded (pure).

    Raises CarrelError(BAD_INPUT) for what is no such link.
    """
    if kind is LinkTarget.GITHUB:
        return f"carrel/github/{github_links.parse(rest).path}"
    slug, _, path = rest.partition("/")
    if path and not is_below_content(path):
        raise CarrelError(
            Code.BAD_INPUT,
            "This link does not name a file of the course.",
            "Ask whoever gave it to you for another.",
        )
    return f"carrel/course/{quote('/'.join(filter(None, (course_names.slug(slug), path))))}"


class LinkPage(Form):
    """``/hub/open/course/…`` and ``/hub/open/github/…``."""

    @web.authenticated
    async def get(self, kind: str, rest: str) -> None:
        wanted = LinkTarget(kind)
        if wanted is LinkTarget.GITHUB:
            github_links.require_host(self.authenticator.carrel.github.host)
        where = target(wanted, rest)
        account = await self.own_account()
        user = self.current_user
        if user.running:
            # One that died unnoticed would answer with the proxy's error page.
            # An engine that takes its time says nothing about it, and keeps nobody waiting.
            await asyncio.wait([keep(user.spawner.poll_and_notify())], timeout=POLL_S)
        if user.spawner.ready:
            if wanted is LinkTarget.COURSE:
                await self._show(user, course_names.slug(rest.partition("/")[0]))
            liked = f"?{urlencode({'in': account.interface.value})}" if account.interface else ""
            self.redirect(f"{user.url}{where}{liked}", status=303)
            return
        # JupyterHub carries `next` through login, start and progress page.
        back = f"{self.hub.base_url}open/{where.removeprefix('carrel/')}"
        self.redirect(f"{self.hub.base_url}spawn?{urlencode({'next': back})}", status=303)

    async def _show(self, user: Any, slug: str) -> None:
        """Shows the running session the course, if it is one of theirs.

        Where that cannot be done the session's page says what to do.
        """
        mine = await self.store.in_thread(self.store.read, course_groups.slugs_of, user.name)
        if slug not in mine:
            return
        node, container = node_api.of(self.authenticator.carrel), user.spawner.object_name
        try:
            await node.show_course(container, slug)
            # Asked again: what housekeeping took away meanwhile must not be back by this.
            now = await self.store.in_thread(self.store.read, course_groups.slugs_of, user.name)
            if slug not in now:
                await node.keep_courses(container, now)
        except CarrelError as error:
            self.log.warning("The session of %s does not see %s: %s", user.name, slug, error)
