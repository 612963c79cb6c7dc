"""An emulator of Google Drive that the real client libraries talk to. See ``--help`` of
``python -m drive_emulator``; standard library only.

    model feed tree store          an emulated Drive without HTTP: for simulations too
"""
