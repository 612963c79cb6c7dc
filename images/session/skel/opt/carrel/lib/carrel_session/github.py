"""Opens one notebook of a public repository, as Colab's links do; what is edited stays."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from functools import partial

from tornado import web

from carrel_session import addresses, fetching, shared_copies
from carrel_session.addresses import Shared
from carrel_session.errands import Errand
from carrel_session.errors import Code, SessionError
from carrel_session.pages import PATIENCE_S, Page
from carrel_session.settings import Settings
from carrel_session.shared_copies import Step


class SharedPage(Page):
    """``GET <base>/carrel/github/<owner>/<repository>/blob/<ref>/<path>.ipynb``.

    Another site's page may lead here (a badge does), so then nothing is written before somebody
    pressed a button on a page of ours: GET asks, POST (with the form's token) goes on. From
    Carrel's own pages, or typed in, it goes on at once.
    """

    @web.authenticated
    async def get(self, owner: str, repository: str, _rest: str) -> None:
        wanted = self._wanted(owner, repository)
        errand = self.errands.find(self.get_query_argument("errand", ""), _subject(wanted))
        if errand is None:
            self.require_navigation()
            copy = await asyncio.to_thread(shared_copies.look, self.carrel.home, wanted)
            if self.comes_from_elsewhere and not copy.content:
                self.page("ask.html", title=f"Open {wanted.name}?", wanted=wanted,
                          site=self.carrel.notebook_site)  # fmt: skip
                return
            errand = self._start(wanted)
        await self._show(wanted, errand)

    @web.authenticated
    async def post(self, owner: str, repository: str, _rest: str) -> None:
        wanted = self._wanted(owner, repository)
        if self.get_body_argument("take", "") != "beside":
            await self._show(wanted, self._start(wanted))
            return
        try:
            content = await fetching.fetch(self.carrel, wanted)
            now = datetime.now(UTC)
            place = await asyncio.to_thread(
                shared_copies.write_beside, self.carrel.home, wanted, content, now
            )
        except SessionError as trouble:
            self._sorry(trouble, wanted)
            return
        self.redirect(self.address(place), status=303)

    def _wanted(self, owner: str, repository: str) -> Shared:
        rest = self.rest_of("github").split("/", 3)
        if len(rest) < 4:
            raise SessionError(Code.BAD_INPUT, "This link names no notebook.", addresses.AS_IN)
        return addresses.shared(owner, repository, rest[3])

    def _start(self, wanted: Shared) -> Errand:
        return self.errands.start(_subject(wanted), partial(_bring, self.carrel, wanted))

    async def _show(self, wanted: Shared, errand: Errand) -> None:
        if not await errand.wait(PATIENCE_S) or "application/json" in self.request.headers.get(
            "Accept", ""
        ):
            self.progress(errand, f"Opening {wanted.name}")
            return
        assert errand.task is not None
        try:
            step: Step = errand.task.result()
        except SessionError as trouble:
            self._sorry(trouble, wanted)
            return
        address = self.address(wanted.place)
        if step is Step.ASK:
            self.page("choice.html", title="You have edited this notebook", wanted=wanted,
                      site=self.carrel.notebook_site, go=address, action=self.request.path,
                      wish=self.get_query_argument("in", ""))  # fmt: skip
            return
        self.redirect(address, status=303)

    def _sorry(self, trouble: SessionError, wanted: Shared) -> None:
        there = (self.carrel.home / wanted.place).is_file()
        self.sorry(trouble, f"Opening {wanted.name}",
                   instead=self.address(wanted.place) if there else "",
                   instead_text="Open my copy as it is")  # fmt: skip


def _subject(wanted: Shared) -> str:
    return f"github:{wanted.owner}/{wanted.repository}/{wanted.rest}"


async def _bring(settings: Settings, wanted: Shared, errand: Errand) -> Step:
    errand.hear(f"Fetching {wanted.name}")
    content = await fetching.fetch(settings, wanted)
    return await asyncio.to_thread(shared_copies.bring, settings.home, wanted, content)
