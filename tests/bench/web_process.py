"""The carrel service as a process of its own, before a hub that is not called ``hub``."""

import os
import runpy

from hub.web import app, auth

auth.HUB_API = os.environ["BENCH_HUB_API"]
if __name__ == "__main__":
    app.PORT = int(os.environ["BENCH_PORT"])
    runpy.run_module("hub.web", run_name="__main__")
