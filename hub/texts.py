"""Which language the pages speak: English, until a catalog of translations is put in its place.

Every text of a template stands in ``{% trans %}`` or ``_()``; ``tests/test_texts.py`` holds that.
"""

from __future__ import annotations

import gettext

from jinja2 import Environment
from jinja2.ext import InternationalizationExtension

EXTENSION = "hub.texts.Texts"
"""For Jinja's ``extensions``; JupyterHub takes them by name alone."""

CATALOG = gettext.NullTranslations()


class Texts(InternationalizationExtension):
    """Jinja's own, with the catalog in it: ``_("%(count)s people", count=3)``."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.install_gettext_translations(CATALOG, newstyle=True)  # type: ignore[attr-defined]
