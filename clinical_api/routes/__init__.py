"""HTTP only: each route parses, calls one work function and renders.

negotiation.py            formats, Prefer, If-Match, ETag, Location, times
commit_headers.py         openehr-version and openehr-audit-details
tag_headers.py            openehr-item-tag and openehr-version-item-tag
versioned.py              what the resources under change control share
ehr.py                    /ehr
ehr_status.py             /ehr/{ehr_id}/ehr_status and versioned_ehr_status
composition.py            /ehr/{ehr_id}/composition
versioned_composition.py  /ehr/{ehr_id}/versioned_composition
directory.py              /ehr/{ehr_id}/directory
contribution.py           /ehr/{ehr_id}/contribution
tag.py                    …/tags
definition.py             /definition/template/adl1.4
definition_adl2.py        /definition/template/adl2
stored_query.py           /definition/query
query.py                  /query/aql, /query/{name}
query_media.py            the formats of a result
query_answers.py          a result as a RESULT_SET
query_streams.py          a result as a stream
admin.py                  /admin
conformance.py            what EHRbase has beside, in the conformance profile alone
events.py                 /events
webhooks.py               /webhooks
bulk.py                   /bulk
access.py                 /access
organisation.py           /statistics, /folder-template
"""
