"""The control plane: who may do what, and what they see.

The only code that opens Carrel's database. Deciders are pure, one subject a file.

    settings knobs settings_table            every knob, read once, and its table in the docs
    installation wiring scopes               what `up` wrote, joined into JupyterHub's configuration
    store sqlite models migrations/ enums    the database
    accounts passwords attempts login        who gets in
    setup_links audit client_address
    authenticator setup_page entry_form      getting in, from JupyterHub's side
    admission capacity sessions lifecycle    what may start, and what runs
    hub_api                                  JupyterHub's API, for the command line
    web/  the carrel service: own pages      cli/  the ./carrel command
"""

__version__ = "0.1.0"
