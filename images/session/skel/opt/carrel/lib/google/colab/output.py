"""A cell's output: clearing it; what Colab's page alone can do says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from google.colab import session
from IPython.display import clear_output

_NOT_HERE = "{} runs in Colab's own page. JupyterLab has no such thing: use ipywidgets instead."


def clear(wait: bool = False, output_tags: tuple[str, ...] = ()) -> None:
    """Clears the cell's output; tags are Colab's and count for nothing."""
    if session.shell() is not None:
        clear_output(wait=wait)


def eval_js(script: str, ignore_result: bool = False, timeout_sec: float | None = None) -> Any:
    raise NotImplementedError(_NOT_HERE.format("output.eval_js"))


def register_callback(function_name: str, callback: Callable[..., Any]) -> None:
    raise NotImplementedError(_NOT_HERE.format("output.register_callback"))


def enable_custom_widget_manager(*_: Any, **__: Any) -> None:
    """Nothing to do: widgets work here as they are."""


def disable_custom_widget_manager(*_: Any, **__: Any) -> None:
    """Nothing to do."""


def no_vertical_scroll() -> None:
    """Nothing to do."""


@contextmanager
def use_tags(*_: Any, **__: Any) -> Iterator[None]:
    """Runs what is inside; tags are Colab's."""
    yield
