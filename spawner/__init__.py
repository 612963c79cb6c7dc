"""The data plane: from a granted request to a running container. No database, no policy.

    errors names confinement profiles   the words both planes share
    plan container                      what a session's container is (pure)
    engine images readiness             what the engine and a server answer, in our words
    engine_pool                         threads for engine calls: nobody waits for another's
    launch ending life steps wait       a start, its place in the queue, an end, what lies between
    engine_events engine_watch          ends as the engine tells of them, beside polling
    tokens                              a session's token ends with it
    carrel_spawner choosing options_form refusal
                                        JupyterHub's spawner: does what the plan says
    policy bindings background          what it is handed, what outlives a request
    node/                               the privileged program that holds the engine's socket

Nothing here imports ``hub``: what is needed of policy is handed over as callables by
``config/jupyterhub_config.py``.
"""
