"""Which language the pages speak: English, until a catalog of translations is put in its place.

Every text of a template stands in ``{% trans %}`` or ``_()``; ``tests/test_texts.py`` holds that.
"""

from __future__ import annotations

import gettext
from collections.abc import Callable
from typing import Any

CATALOG = gettext.NullTranslations()


def functions() -> dict[str, Callable[..., str]]:
    """What Jinja's i18n extension looks up in a template's context."""
    return {"gettext": _one, "ngettext": _several}


def hub_functions() -> dict[str, Callable[[Any], Callable[..., str]]]:
    """The same as JupyterHub's ``template_vars``, which calls whatever can be called with the
    user and takes the answer."""
    return {"gettext": lambda _user: _one, "ngettext": lambda _user: _several}


def _one(text: str, /, **values: object) -> str:
    translated = CATALOG.gettext(text)
    return translated % values if values else translated


def _several(one: str, many: str, number: int, /, **values: object) -> str:
    translated = CATALOG.ngettext(one, many, number)
    return translated % values if values else translated
