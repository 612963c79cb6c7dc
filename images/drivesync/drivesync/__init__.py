"""Keeps a user's chosen folders of Google Drive and the disk beside their notebook in step.

Three trees: *remote* and *local* as they were last seen, *synced* as both were when they were last
equal. A pure planner makes operations of them; whatever becomes of an operation, the next plan is
made from the trees anew. Nothing here holds a long-lived secret.

    model sides faults report      the files, the two sides, what can go wrong, what is told
    process lock logs memory       the process (composition puts the real parts together)
    composition
    loop waits bell stopping       when a cycle of the engine is due
    desk teller status             what is told meanwhile, to the session and to the hub
    tidying                        the end of what was kept long enough
    pauses flush                   why nothing goes on; the session's wish that all be in Drive
    hub tokens settings            the hub's two calls
    notes open_documents           what the session says, in ``.carrel``
    local mount room               the disk: sides.Local, whether it is the one, how much may come
      walker reading ignores       read it: the tree, a file's bytes, what is never synced
      placing incoming trash late  change it in one step each, losing nothing, whoever is writing
      beside beneath               names beside a name; opens and renames no symlink leads astray
      births                       what the kernel tells of a file, its birth among it
    hints                        when to look again
    remote items                   Drive's side, on API v2; files as it writes them
    calls answers bucket           requests, what became of them, how often they may be made
    uploads bodies downloads       bytes each way
    google lean wire               pydrive2, imported lean, on an httplib2 that sends once
    engine cycle options           one cycle after the other; what was chosen
    looking listing scope          the remote tree by changes and lists; the disk's by scans
    state trees match view         what is remembered; the synced tree; who is where on either side
    planner places departures      the plan: for what is on both sides, on one any more,
    arrivals contents              new on one or on both; which way the bytes go
    titles names copies            names on disk; copies where both had changed
    guards deletions               mass deletions: what is one; what was said of it
    former returns                 what came from another account; what comes back from the trash
    ops actions record executor    an operation, how it is done, what it changes in the trees
    troubles refusals              what a fault means for the cycle; what Drive does not send
    progress telling               what is told meanwhile
"""
