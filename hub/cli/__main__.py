"""``python -m hub.cli``: what the launcher runs."""

from hub.cli.app import app

app(prog_name="carrel")
