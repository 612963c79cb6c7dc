"""Which language the pages speak: English, until a catalog of translations is put in its place.

Every text of a template stands in ``{% trans %}`` or ``_()``; ``tests/test_texts.py`` holds that.
"""

from __future__ import annotations

import gettext
from typing import Any

from jinja2 import Environment
from jinja2.ext import InternationalizationExtension

CATALOG = gettext.NullTranslations()


class Texts(InternationalizationExtension):
    """Jinja's i18n on the catalog, for the hub's templates and the web service's.

    An extension and no template variables: JupyterHub calls a variable that is a function, and
    an imported macro would not see it. New style, so that what is filled in is escaped.
    """

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        install: Any = environment.install_gettext_translations  # type: ignore[attr-defined]
        install(CATALOG, newstyle=True)


JINJA = {"extensions": [f"{__name__}.{Texts.__name__}"]}
"""Options of an environment whose templates speak."""
