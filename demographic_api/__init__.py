"""Persons and their identifiers, as FHIR R4 `Patient`; nothing here knows of a record.

app.py         create_app: the service put together
settings.py    what the environment sets
routes/        HTTP only: parse, call one work function, render
outcomes.py    errors as FHIR OperationOutcome
capability.py  what this server can do, as FHIR CapabilityStatement
merging.py     two registrations of one person, and taking that back
persons.py     register, read and update a person
telling.py     the workers that tell the vault of persons who came or changed, and of merges
own_words.py   a person's own identifiers as tokens
opt_outs.py    the national list, matched with persons and told to the vault
searching.py   find persons by identifier, or by name and birth date
patients.py    checks of a Patient that its types cannot state
fhir.py        the supported part of FHIR R4 `Patient` as types
words.py       names as they are compared: case, accents and spaces evened out
nhs_number.py  Modulus 11
tables.py      one MetaData
"""
