"""The work behind the `moiety` command.

options.py what the commands share: options, the terminal, how to stop with a sentence
desk.py    a home folder with an embedded PostgreSQL and every service running on this machine
keys.py    `moiety keys`
issue.py   users and API keys, made in the database of the service that accepts them
up.py      `moiety up`: the desk, until it is stopped
conformance.py  `moiety up --profile conformance`: the clinical service for test suites
load.py    `moiety load`: templates and compositions through the REST API
bulk.py    `moiety load --bulk` and `moiety export`: whole records
demo/      `moiety demo`: the main job, told step by step
trails.py  `moiety trail …`: the commands
trail.py   their work: verify, disclose
verifying.py  the whole trail checked by several processes
clinical.py `moiety clinical check`
indexes.py `moiety clinical index`
slow.py    `moiety clinical queries`
nightly.py what a desk does once a day by itself
secrets.py `moiety secrets`: the files of a deployment in containers
subject_access.py `moiety subject-access`: what a person is told of everything
backup.py  `moiety backup` and `moiety restore`
template.py, lint.py  `moiety template lint`: its words, and its work
deid/      `moiety deid`: clinical free text without identities
"""
