"""The control plane: who may do what, and what they see.

The only code that opens Carrel's database. Deciders are pure, one subject a file.

    settings knobs sign_on_knobs crossed settings_table texts moments
                                             every knob, its table in the docs; languages, times
    installation wiring scopes origins       what `up` wrote, joined into JupyterHub's configuration
    store sqlite models migrations/ enums    the database
    accounts passwords attempts login        who gets in
    ways_in sign_on providers openid sign_on_authenticator
                                             logging in at a provider instead
    links invitations resets roster_lines roster rosters
                                             links that let people in; class lists
    demo demo_materials demo_drive           a demo's people, what their course published, their
                                             Google Drive
    people looking_after powers audit        who is there; who may do what to whom, and who did
    authenticator client_address handlers/   getting in, from JupyterHub's side
    courses course_names course_powers course_groups
                                             courses: what they are called, who may do what
    members course_people course_sums course_rosters copies
                                             who is in them; class lists; how far their copies are
    shown_courses                            who is in them no more, and still sees them
    course_profiles course_invitations       what a start for one is proposed; invitations into one
    session_paths github_links               what a link may name inside a session
    admission queueing waiting capacity remapping
                                             what may start, when, and who waits for it
    sessions lifecycle reentry               what runs; starts that a restart of the hub interrupted
    endings culling                          what a session is ended for; the idle culler
    hub_api node_api                         JupyterHub's API; node's socket, for homes
    homes departures outsiders export        sizes; deleted accounts; who is shut out; all about one
    reconciling reconciler                   rows and containers compared: orphans are removed
    reach engine_look                        what is unknown while the engine does not answer
    proxy_watch proxy_activity               a restarted proxy gets its routes back; who is active
    hub_database                             JupyterHub's own file: its commits wait for no disk
    materials/ orders                        what courses publish, in git; what is to be read for it
    sealing user_secrets secret_grants       what notebooks are given by userdata.get, sealed
    drive_links drive_syncs drive_reports    who let us reach their Drive; what sidecars told
    drive_knobs drive_consent drive_google drive_sealing drive_tokens
                                             consents at Google; tokens, sealed, and minted anew
    drive_folders drive_orders drive_standing
                                             looks into a Drive; what sidecars do, and how it stands
    drive_keeping drive_keeper drive_bearers a sidecar beside each session that is to have one
    chores housekeeping                      what is done when it is due; the process that does it
    web/  the carrel service: own pages      cli/  the ./carrel command
"""

__version__ = "0.1.0"
