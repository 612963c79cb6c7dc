"""The pages that the hub's own process serves, because they need its logins or nobody's.

    form                what forms with secrets share     link_page  what pages behind a link share
    invitation_page reset_page                            before any login, each behind a link
    provider_login provider_invitation carried            the same, with a provider
    account_page                                          one's own account: password, name
    start_pages         home, start and progress page      open_page  leads into one's session
    session_files                                         asks a session whether it holds a file
    link.js                                               moves a link's code into the form

Everything else that people see is in ``web/``.
"""
