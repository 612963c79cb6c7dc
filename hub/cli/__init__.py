"""The ./carrel command. On the host it stands alone; verbs on people run in the hub container.

app inside          the verbs by name; what sends one into the hub container
up survey           from a clone to a running Carrel; the look at the machine that comes first
host finding        down, status, logs, doctor; what a doctor says
look checks         what the machine is (reads only); what that means (pure)
promises            whether the settings promise more than it has (pure)
engine compose      Docker found, installed, started; Compose v2 or v1
images recipe       what is built from what, and which of it under which names (pure)
build debian mirrors  builds it; its base; where its packages come from
deployment health   the files that the containers read; waiting until they answer
site                this checkout, its settings and what it remembers
people links rosters departures identity session courses
                    the verbs on people, invitations, class lists, deleted accounts, sessions,
                    courses
new_password database   what those share
client_secret       the verb on single sign-on
drive drive_doctor  the verb on Google Drive; looks at each step of the way there
demo                a second Carrel, to look around in
output progress shell                  printing, and running other programs
"""
