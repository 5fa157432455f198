"""openEHR change control over any MetaData (RM 1.1.0, Common IM, change control package).

Versions are never overwritten: the latest stands in a head table, the ones before it in a history
table to which an application can only add, and every change names its contribution.

codes.py       the codes of change types and lifecycle states
tables.py      the tables of one kind of versioned object, and of contributions
statements.py  one SQL statement for each of create, update and delete
versions.py    a version as it is read back: ids, audit, document
"""
