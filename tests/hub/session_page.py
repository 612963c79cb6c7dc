"""A session of one page that asks the hub who is there, as JupyterLab's server does.

Its argument is the port; its environment is what the hub gives a session.
"""

import asyncio
import os
import sys

from jupyterhub.services.auth import HubOAuth, HubOAuthCallbackHandler, HubOAuthenticated
from tornado.web import Application, RequestHandler, authenticated


class Page(HubOAuthenticated, RequestHandler):
    @authenticated
    async def get(self):
        self.write(f"this is {self.current_user['name']}")


class Alive(RequestHandler):
    def get(self):
        self.write({"version": "one page"})


async def main() -> None:
    prefix = os.environ["JUPYTERHUB_SERVICE_PREFIX"]
    Application(
        [
            (f"{prefix}api", Alive),
            (f"{prefix}oauth_callback", HubOAuthCallbackHandler),
            (f"{prefix}.*", Page),
        ],
        cookie_secret=os.urandom(32),
        hub_auth=HubOAuth.instance(),
    ).listen(int(sys.argv[1]), "127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
