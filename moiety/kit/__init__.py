"""What every service needs and no domain word, in the order in which a request meets it.

settings.py     a frozen dataclass from the environment; unknown names stop the start
app.py          the application factory: middleware, error handlers, health, readiness, metrics
telemetry.py    request and trace ids (own per service, never forwarded), metrics
direct.py       the short way to the routes that carry the load
bodies.py       the body of a request, read once and bounded
traces.py       the spans of a request
collector.py    where they are sent, sifted: they can't carry a record's value
credentials.py  API keys: minted, shown once, stored as a hash, verified in constant time
user_tokens.py  tokens of people: checked by the vault's key set; roles and their scopes
auth.py         the caller of a request, and what the caller may do
accesses.py     who read which record, sealed, in no order
boxes.py        what anybody may seal for the owner of a public key
pipelines.py    statements that are sent and answered together
reads.py        short questions asked on the event loop, without a thread
singles.py      statements from threads, each round trip worth it
gathering.py    questions that come at once, answered together in one thread
engines.py      connections to a database, each looked at before it is used
database.py     one set of engines per organisation; commit before response
tasks.py        work beside the requests, on the event loop
threads.py      the same in threads
private_files.py  files that one user may read
trust.py        whom this process trusts when it calls out
keeping.py      answers kept for a while
commits.py      the queue in which concurrent commits share a transaction
errors.py       the error tree
problems.py     the one place that turns an error into an answer
logs.py         structured logging that can't carry a record's value
"""
