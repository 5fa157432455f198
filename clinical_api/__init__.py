"""The openEHR repository: compositions under random UUIDs, and no way to know whose they are.

app.py            create_app: the service put together
settings.py       what the environment sets
conformance.py    the profile for test suites: who comes in, by which doors, as whom
doors.py          what stands around every route: refusals logged, XML errors, OPTIONS, weak ETags
deps.py           what a route asks for: body, connection, commit queue, registry, caller
routes/           HTTP only: parse, call one work function, render
intents.py        a contribution as it is sent, and what its versions are meant to do
followed.py       what the versions of a contribution follow
contributions.py  commit several versions of several kinds at once
ehrs.py           open and read EHRs
statuses.py       EHR_STATUS
folders.py        the directory of an EHR
compositions.py   commit compositions, in every format
stored_compositions.py  read them as they are kept
tags.py           item tags beside versions
tag_lists.py      lists of tags as headers carry them
versions.py       what every commit of a version shares
histories.py      versions, histories and contributions read whole
audits.py         who changes what
refusals.py       the commit log of attempts that changed nothing
consistency.py    whether the tables agree with one another
definitions.py    operational templates, their revisions
hot_paths.py      paths that are asked often, and their indexes
adl2_definitions.py  operational templates in ADL 2
stored_queries.py  AQL under a name, in versions
single_ehr.py     a query in the context of one EHR
asked_aside.py    what a query asks of terminologies, told before it runs
removals.py       deletion for good
events/           what was committed, told by ids: pages, streams, webhooks
bulk/             whole records in and out
slow_queries.py   what queries cost, by their form
statistics.py     how much there is
folder_templates.py  the directory that new EHRs begin with
population.py     what population queries have to themselves
turns.py          who may run a population query now, and for how long
explained.py      what a query costs before it is run
evaluating.py     documents evaluated in worker processes
results/          results as CSV, NDJSON, Arrow and Parquet
queries.py        AQL, by SQL where rows tell all and by the document evaluator for the rest
queried.py        what queries see: tables, documents, versions
own_words.py      which of a document's words are its subject's: the vault is asked
rescreening.py    records screened again, when the vault was away or a person has changed
sealing.py        words taken out of a document, and put back
screen.py         the identifier screen at every write door
value_sets.py     codes that a terminology server is asked for before the commit
wording.py        findings in sentences
openapi/          the OpenAPI document: what every operation takes and may answer
projects.py       policies of running projects, in memory while the vault confirms them
pseudonyms.py     how ids and dates look inside a project
registry.py       the templates, compiled once per process
formats.py        canonical JSON and XML, both ways
documents.py      documents as they are stored: zstd canonical JSON
tables.py         one MetaData
"""
