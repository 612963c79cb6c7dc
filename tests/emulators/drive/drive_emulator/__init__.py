"""An emulator of Google Drive that the real client libraries talk to: ``python -m drive_emulator``.

Standard library only. Google's description of the API (``drive.v2.json``, which
google-api-python-client bundles) is handed in by path; every request and answer is held against it.

    model feed tree store       an emulated Drive without HTTP: for simulations too
    messages times              requests and answers as values
    discovery partial query     Google's description; ``fields=``; ``q=``
    intake multipart uploads    bytes on their way in
    resources exports listing   what is answered
    changes_v2 api_v2 api_v3    the methods
    grants consent tokens       OAuth: who allowed what
    pages browse                a person's Drive in a browser
    faults limits journal       what goes wrong on purpose; what was asked
    control emulator server     put together, and served
    samples                     files for somebody who looks around
    rclone_proxy                leads rclone here (needs the openssl program)
"""
