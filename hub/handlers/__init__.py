"""The pages that the hub's own process serves, because they need its logins or nobody's.

    errors form logins                            what errors tell; what forms with secrets share;
                                                  ends logins
    invitation_page course_invitation reset_page link.js
                                                  before any login, each behind a link
    provider_login provider_invitation carried    the same, with a provider
    demo_page                                     one-click logins of the demo
    account_page export_page                      one's own account; all that is kept about one
    start_pages                                   home, start and progress page
    api course_api                                the hub's API: what its routes share; for sessions
    session_api one_start                         a session's one end; one start at a time
    secret_api                                    secrets for sessions; sealed for web
    drive_api drive_pages_api                     Drives: for their sidecars; for web's pages
    open_page link_page session_files             leads into one's session; asks it for a file

Everything else that people see is in ``web/``.
"""
