"""The spawner's part before admission: what is offered, and what was chosen."""

from __future__ import annotations

from typing import Any, ClassVar

from traitlets import HasTraits, default

from spawner.bindings import Bindings
from spawner.engine import Engine
from spawner.errors import CarrelError
from spawner.images import ReadyImages
from spawner.options_form import Offers, decide, options_of
from spawner.profiles import OPTION, Profile, Request
from spawner.refusal import as_spawn_exception


class Choosing(HasTraits):
    """Mixed into the spawner: JupyterHub's hooks around user options."""

    bindings: ClassVar[Bindings]
    ready_images: ClassVar[ReadyImages]
    user: Any
    orm_spawner: Any
    user_options: Any

    @property
    def engine(self) -> Engine:
        raise NotImplementedError

    @default("options_form")
    def _default_options_form(self) -> Any:
        # JupyterHub has a start page only where this is not empty; ours asks for ``offers``.
        return "offers"

    @default("options_from_form")
    def _default_options_from_form(self) -> Any:
        return self._checked_options

    @default("apply_user_options")
    def _default_apply_user_options(self) -> Any:
        # Checked in the pre-spawn hook: there a refusal is told without a traceback.
        return lambda _spawner, _options: None

    async def offers(self, proposed: str | None = None) -> Offers:
        """For the start page: the profile that is proposed, by its slug, or what was chosen last;
        then everything else. One that is not offered any more is passed over."""
        catalog = self.bindings.catalog
        wanted = catalog.find(proposed) if proposed else None
        return decide(catalog, await self.find_ready_images(), self.last_profile, wanted)

    async def find_ready_images(self) -> frozenset[str]:
        catalog = self.bindings.catalog
        references = {catalog.reference(profile) for profile in catalog.profiles}
        return await self.ready_images.among(references, self.engine)

    @property
    def last_profile(self) -> Profile:
        """What the user started last, while it is still offered; else the default."""
        try:
            return self._parse(self.orm_spawner.user_options).profile
        except CarrelError:
            return self.bindings.catalog.default

    def checked_request(self) -> Request:
        """The request in ``user_options``, which the API sends as anybody likes.

        Raises CarrelError(BAD_INPUT).
        """
        try:
            return self._parse(self.user_options)
        except CarrelError:
            # JupyterHub has stored them as the default of the next start already.
            self.orm_spawner.user_options = {}
            raise

    def _checked_options(self, form: dict[str, list[str]]) -> dict[str, str]:
        try:
            return {OPTION: self._parse(options_of(form)).profile.slug}
        except CarrelError as error:
            raise as_spawn_exception(error) from error

    def _parse(self, user_options: Any) -> Request:
        return Request.parse(self.user.name, user_options, self.bindings.catalog)
