"""What the Moiety services share: no HTTP endpoint, no table of its own.

In order from the ground up:

deid            finds and replaces what identifies a person               no I/O
openehr         reference model, templates, validation, typed rows        no I/O
kit             errors, problems, credentials, database, logging, app     no domain word
aql             query text → ast → plan → SQL, and its document evaluator no I/O
change_control  openEHR versions and contributions over any MetaData
wire            what the services say to each other
embedded        the PostgreSQL of a single desk
commands, cli   the `moiety` command

This file imports nothing: it runs before every module below it.
"""

__version__ = "0.1.0"
