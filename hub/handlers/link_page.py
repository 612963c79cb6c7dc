"""Where links to a course or to a notebook on GitHub lead: into the person's own session.

What is behind ``carrel/…`` there is a program of the session, which takes the copy and opens it.
That somebody is in a course is asked where the link begins (``hub.web.course_door``), and held by
what the session has mounted; here a link only has to be one.
"""

from __future__ import annotations

from urllib.parse import quote, urlencode

from tornado import web

from hub import course_names, github_links
from hub.enums import LinkTarget
from hub.handlers.form import Form
from hub.session_paths import is_below_content
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
        await self.own_account()
        user = self.current_user
        if user.running:
            # One that died unnoticed would answer with the proxy's error page.
            await user.spawner.poll_and_notify()
        if user.spawner.ready:
            self.redirect(f"{user.url}{where}", status=303)
            return
        # JupyterHub carries `next` through login, start and progress page.
        back = f"{self.hub.base_url}open/{where.removeprefix('carrel/')}"
        self.redirect(f"{self.hub.base_url}spawn?{urlencode({'next': back})}", status=303)
