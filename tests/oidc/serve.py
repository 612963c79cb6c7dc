"""Runs Canaille, a real OpenID Connect provider, with the people and the client that a test wants.

Runs in a virtual environment of its own (see provider.py): ``python serve.py wanted.json``.
"""

import json
import sys
from pathlib import Path

from canaille import create_app
from canaille.app import models
from canaille.backends import Backend
from joserfc.jwk import RSAKey
from werkzeug.serving import run_simple

wanted = json.loads(Path(sys.argv[1]).read_text())
port = wanted["port"]

app = create_app(
    {
        "SECRET_KEY": wanted["secret"],
        # Another site than the hub's 127.0.0.1, as browsers see it: cookies must survive that.
        "SERVER_NAME": f"localhost:{port}",
        "PREFERRED_URL_SCHEME": "http",
        "CANAILLE": {"DATABASE": "sql", "ENABLE_REGISTRATION": False},
        # Not its database in memory, which mixes up two codes that are out at a time.
        "CANAILLE_SQL": {"DATABASE_URI": f"sqlite:///{Path.cwd()}/provider.sqlite"},
        "CANAILLE_OIDC": {
            "ACTIVE_JWKS": [RSAKey.generate_key(2048, auto_kid=True).as_dict(private=True)],
            # What the provider calls people for itself is no name of theirs, as with Google.
            "USERINFO_MAPPING": {
                "SUB": "{{ user.employee_number }}",
                "PREFERRED_USERNAME": "{{ user.user_name }}",
            },
        },
    }
)
with app.app_context(), Backend.instance.session():
    for person in wanted["people"]:
        Backend.instance.save(models.User(**person, password=wanted["password"]))
    client = models.Client(
        client_id=wanted["client_id"],
        client_secret=wanted["client_secret"],
        client_name="Carrel",
        redirect_uris=[wanted["redirect_uri"]],
        grant_types=["authorization_code"],
        response_types=["code"],
        scope=["openid", "profile", "email"],
        token_endpoint_auth_method="client_secret_basic",
    )
    Backend.instance.save(client)
    client.audience = [client]  # one that is stored
    Backend.instance.save(client)
run_simple("127.0.0.1", port, app, threaded=True)
