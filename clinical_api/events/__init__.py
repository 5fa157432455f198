"""Events: what was committed, told by ids to whoever is entitled to listen.

The contributions themselves are the outbox, so an event is as durable as its commit, and there is
none of what was not committed.  An event names kinds, ids, codes and template; never content, never
a person.

places.py        a place in the order of events, and the cursor that names it
reading.py       a page of events after a place
tails.py         the live stream: who listens, what wakes them, how it ends
destinations.py  where a webhook may point, how a message is signed and sent
webhooks.py      register, pause, list; dead letters
deliveries.py    the one process that delivers
running.py       all that for as long as the service runs
"""
