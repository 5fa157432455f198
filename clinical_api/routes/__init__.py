"""HTTP only: each route parses, calls one work function and renders.

negotiation.py  Prefer, If-Match, ETag, Location
ehr.py          /ehr
composition.py  /ehr/{ehr_id}/composition
definition.py   /definition/template/adl1.4
query.py        /query/aql
"""
