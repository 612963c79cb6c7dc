"""Keeps a user's chosen folders of Google Drive and the disk beside their notebook in step.

Three trees: *remote* and *local* as they were last seen, *synced* as both were when they were last
equal. A pure planner makes operations of them; whatever becomes of an operation, the next plan is
made from the trees anew. Nothing here holds a long-lived secret.

    model sides faults report      the files, the two sides, what can go wrong, what is told
    remote items                   Drive's side, on API v2; files as it writes them
    calls answers bucket           requests, what became of them, how often they may be made
    uploads bodies downloads       bytes each way
    google lean wire               pydrive2, imported lean, on an httplib2 that sends once
"""
