"""Which language the pages speak: English, until a catalog of translations is put in its place.

Every text of a template stands in ``{% trans %}`` or ``_()``; ``tests/test_texts.py`` holds that.
"""

from __future__ import annotations

import gettext
from collections.abc import Callable
from typing import Any

CATALOG = gettext.NullTranslations()


def functions() -> dict[str, Callable[..., Any]]:
    """What Jinja's i18n extension looks up in a template's context."""
    return {"gettext": CATALOG.gettext, "ngettext": CATALOG.ngettext}
