"""The openEHR repository: compositions under random UUIDs, and no way to know whose they are.

app.py           create_app: the service put together
settings.py      what the environment sets
deps.py          what a route asks for: body, connection, commit queue, registry, caller
routes/          HTTP only: parse, call one work function, render
ehrs.py          open and read EHRs
compositions.py  commit and read compositions
definitions.py   operational templates
queries.py       AQL, by SQL where rows tell all and by the document evaluator for the rest
screen.py        the identifier screen at every write door
registry.py      the templates, compiled once per process
documents.py     documents as they are stored: zstd canonical JSON
tables.py        one MetaData
"""
