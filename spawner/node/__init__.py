"""node: the one privileged program per Docker host.

    __main__ config             start it; what ``up`` told it (node.json)
    server                      its parts put together
    app listener replies        the server on the unix socket, who may connect, how it says no
    actions                     what each route does
    routes filters              which engine routes exist here, and with which parameters
    cgroup                      the cgroup above all sessions, and what they may have together
    strict_json fields          JSON from outside, read without guessing
    rules body                  a create body: decided field by field, then written anew
    homes layout                folders of the data directory, symlinks refused by the kernel
    roots handover              under which users sessions ran before; homes handed over from them
    home_keeper                 the routes on homes:
      trees sizes archive removal pieces   walked, measured, sent as a tar, removed for good
    engine network              the engine's socket; whether its network is the guarded one
    courses                     the folder of a course: read by sessions, filled by the hub
    late late_mount late_unmount late_seen
                                shown to a session that runs already, and taken from it
    drive drive_folders drive_keeper
                                what keeps a user's Drive and disk in step, beside a session
    jobs job_runner             short-lived containers whose output is the answer
    collect fetch install       the programs that run in them: part of a home, a branch, packages
    socket_watch                whether the engine has a new socket, which only a new node sees
    firewall resolvers          the session firewall as lists of rules (pure)
    iptables firewall_keeper    applied, looked at every few seconds, put back
    inventory                   the GPUs of this host
    health                      the question that the container's healthcheck asks

It imports from outside this folder only ``spawner.errors``, ``.names`` and ``.confinement``.
"""
