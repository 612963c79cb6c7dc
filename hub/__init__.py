"""The control plane: who may do what, and what they see.

The only code that opens Carrel's database. Deciders are pure, one subject a file.

    settings  every knob, read once          store models migrations/  the database
    accounts passwords attempts setup_links  who gets in (authenticator: JupyterHub's side)
    admission capacity sessions              what may start, and what runs
    web/      the carrel service: own pages  cli/  the ./carrel command
"""

__version__ = "0.1.0"
