"""The data plane: from a granted request to a running container. No database, no policy.

    errors names profiles       the words both planes share
    plan container              what a session's container is (pure)
    carrel_spawner              JupyterHub's spawner: does what the plan says
    node/                       the privileged program that holds the engine's socket

Nothing here imports ``hub``: what is needed of policy is handed over as callables by
``config/jupyterhub_config.py``.
"""
