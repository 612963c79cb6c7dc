"""Tables: pandas shows them itself."""

from __future__ import annotations

from typing import Any


def enable_dataframe_formatter() -> None:
    """Nothing to do."""


def disable_dataframe_formatter() -> None:
    """Nothing to do."""


class DataTable:
    """Shows a data frame as pandas does; the options of Colab's table count for nothing."""

    max_rows = 20000
    max_columns = 20

    def __init__(self, dataframe: Any, **_: Any) -> None:
        self._dataframe = dataframe

    def __repr__(self) -> str:
        return repr(self._dataframe)

    def _repr_html_(self) -> str | None:
        make = getattr(self._dataframe, "_repr_html_", None)
        return make() if make else None
