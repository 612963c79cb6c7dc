"""The service ``carrel``: own pages and a JSON API, in a process of its own.

    __main__ app   starts it; the routes        auth     who asks, and what they may see
    base           what every handler shares: login, permission, and one path for errors
    student people people_actions invitations admin api
                   the handlers, by audience    leaving  ends logins and sessions through the hub
    courses course_look course_actions course_lists course_door
                   courses, their buttons, class lists for them, the links that lead into them
    materials material_upload material_orders material_intakes material_versions material_notebooks
    material_packages
                   what a course publishes: sent in, looked at, published, seen by its students
    user_secrets   one's secrets: entered, granted to notebooks, never shown
    drive drive_connect drive_consents drive_choose
                   one's Drive: how it stands; to Google and back; which folders
    blocking multipart
                   threads for what takes seconds; a form's file, piece by piece (pure)
    once refusals  forms that make something are taken once; how many refusals go on record
    status queue words
                   what is told of the machine and who waits; times and sizes in words (pure)
    templates/ static/

It calls the hub from the server only, never from the browser; its end disturbs no session.
"""
