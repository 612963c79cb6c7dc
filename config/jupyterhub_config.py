"""JupyterHub's configuration: hands what ``up`` wrote to ``hub.wiring``; decides nothing.

CARREL_ETC is the folder of those files; it is the one thing read from the environment.
"""

import os
from pathlib import Path

from hub import installation, store, wiring

carrel = installation.load(Path(os.environ["CARREL_ETC"]))
database = store.open_store(carrel.settings)
database.migrate()
wiring.configure(get_config(), carrel, database)  # noqa: F821  JupyterHub puts it there
