"""openEHR change control over any MetaData (RM 1.1.0, Common IM, change control package).

Versions are never overwritten: the latest stands in a head table, the ones before it in a history
table to which an application can only add, and every change names its contribution.

codes.py       the codes of change types and lifecycle states
tables.py      the tables of one kind of versioned object, of contributions, of what comes beside
statements.py  one SQL statement for each of create, update, restore and delete
versions.py    versions as they are read back: latest, by number, as of a time
records.py     versions, histories and contributions as the model's own classes
"""
