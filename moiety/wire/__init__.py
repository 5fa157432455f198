"""What the services say to each other: the messages, and one small client each.

decoding.py     a request body into a typed message; faults name a path, never a value
exchange.py     one HTTP call: the key as a header, an error rebuilt from its `code`
fhir_reads.py   GET from a FHIR server of others: bounded in time and size
terminology.py  what a FHIR terminology server is asked
clinical.py     what the vault asks of clinical_api: a fresh EHR for its pool
demographic.py  what a registrar's program asks of demographic_api
vault.py        the vault's messages, and what programs and people ask of linkage_vault
screening.py    the own-identifier screen's messages, of three services
projects.py     projects, their policy and pseudonyms
opt_outs.py     registers of opt-outs, objections and consents
subject.py      what a person may be told
access.py       who read a record, asked by the vault
trail.py        the trail's messages, and what auditors and witnesses ask of it
"""
