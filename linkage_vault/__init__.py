"""The only place that can say which EHR belongs to whom.

app.py          create_app: the service put together; refuses to start without its keys
settings.py     what the environment sets
deps.py         what a route asks for: the vault, the caller with roles, a decoded message
routes/         HTTP only: parse, call one work function, render
links.py        link, resolve person → EHR, resolve EHR → person, one or a thousand
merging.py      following merges of persons, and taking them back
linked.py       links closed, restricted, moved, adopted; tasks
rotation.py     keys rotated while the vault answers
rotation_steps.py  what moves then, table by table
erasure.py      links cut or shredded, tombstones and certificates
screening.py    which words of a document are its subject's, without the words
rescreens.py    records that are to be screened again
guesses.py      how much was asked of a record today
sealed_words.py words sealed out of a document, given back to readers of care
review.py       read the trail, its heads and proofs
asks.py         what can be asked
decisions.py    who may do what for which purpose; every refusal is written down
purposes.py     HL7 purposes of use
policy.py       the policy: files of Cedar, checked against their schema; policies/ holds them
standing.py     what stands for a requester: counts, care, grants, approvals, in one statement
approvals.py    four eyes: ask, decide, and the exact question once
second_person.py  whether somebody is another person than who asked
grants.py       a direction for a while, by another person's word
break_glass.py  one record in an emergency, told at once and reviewed after
canaries.py     ids of nobody that nobody has a reason to ask about; reading alerts
caring.py       saying who cares for whom
care.py         who cares for whom, as marks
shared_care.py  care of persons who were merged: shared while they are one
housekeeping.py what is over goes
accounts.py     accounts, as an administrator keeps them
sign_in.py      password and second factor; enrolment
sessions.py     what a sign-in opens
tokens.py       user tokens, issued for one audience; the key set
exchange.py     a service that acts for a user; what each may ask
oidc.py         an outside OpenID Connect provider
token_requests.py  what POST /token is asked
passwords.py    argon2id
totp.py         one-time passwords (RFC 6238)
people.py       from a credential to the person behind it
even_answers.py refusals leave at fixed steps of time
requesters.py   who asks
users.py        people and their roles
alerts.py       what two roles must see at once, and receivers outside
targets.py      places outside that are told one line: files, syslog, HTTP
suspensions.py  credentials that are ended until an operator lifts it
projects.py     proposed, approved by another, run while what allows them stands
project_states.py  the states of a project and the steps between them
project_keys.py keys of projects: random, in versions, sealed, destroyed
pseudonyms.py   from a record to its pseudonym in a project, and back
opt_outs.py     opt-outs, objections and consents, applied to cohorts
access_report.py  who looked at a person, from all services
subject_access.py  the vault's part of what a person is told of everything
rules.py        limits, switches and times of the decisions
link_pairs.py   from an id to its pair: looked for, then opened
link_rows.py    rows of links: found, opened, added, removed
link_tasks.py   what waits for a second person, sealed
merges.py       in whom a merged person lives on
pool.py         EHRs of nobody, minted beforehand and handed out at random
minting.py      the worker that keeps the pool filled
trail.py        every decision, committed before its answer, in a Merkle tree with signed heads
proofs.py       audit and consistency paths, from stored roots of subtrees
appending.py    decisions that come together share one transaction and one head
entries.py      an entry of the trail, sealed, of one length
packets.py      personal values in rows: one, or of many subjects one a heap
personal.py     what of an entry is personal: committed to, kept beside the tree, able to go
witnesses.py    signed heads sent to files, syslog and addresses elsewhere
verification.py the whole trail checked by anybody who has the public key
tree_heads.py   signed tree heads
merkle.py       the Merkle tree of RFC 9162
fences.py       what orders writers, merges and rotations
link_seals.py   a data key for each link, wrapped and stored apart
macs.py         HMAC-SHA-256 under one key for many messages
blind_index.py  how a link is found by an id that the database does not hold
seal.py         sealing bound to a place
provision.py    the key ring that the settings ask for
key_guard.py    keys that the database gives away are refused
keys.py         the key file, outside every database, and its rotation
passphrases.py  a key file under a passphrase
key_ring.py     keys in memory, and all of them together
kek.py          who wraps data keys: the interface
kek_file.py     the key-encryption key in the key file
kek_transit.py  the key-encryption key in OpenBao or HashiCorp Vault
key_uses.py     how often a key was used, and when it may be no more
shred_store.py  a secret for each link in a database of its own
people_keys.py  keys for people: sealing, marks, signing of tokens
people_tables.py  tables of people
vault.py        an engine with the keys of the same organisation
tables.py       links and the pool, and all other tables by import
trail_tables.py the trail's tables
project_tables.py  projects, their keys, registers
screen_tables.py tokens of persons, and records that wait to be screened again
metadata.py     the one MetaData
"""
