"""Hostile input at every reader: a result or a typed error, and an effort bounded by its size.

Time is not measured, but growth is: what a reader asks of memory for twice the input may be
about twice as much, and each payload here is megabytes long where length is the attack.
"""

import tracemalloc
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moiety.openehr import rm
from moiety.openehr.adl2 import parse_operational_template
from moiety.openehr.canonical import decode_composition
from moiety.openehr.errors import RmError, TemplateError
from moiety.openehr.opt import parse_opt
from moiety.openehr.patterns import Pattern, PatternError
from moiety.openehr.simplified.forms import decode_simplified, prepare
from moiety.openehr.xml import decode_xml
from tests.unit.openehr import documents

NOW = "2024-05-17T08:30:00Z"
DEEP, LONG = 10_000, 10_000_000
ROOT = b'{"_type":"COMPOSITION","name":'
XML = b'<composition xmlns="http://schemas.openehr.org/v1">'
LAUGHS = b"<!DOCTYPE a [<!ENTITY b0 'ha'>" + b"".join(
    b"<!ENTITY b%d '%s'>" % (n, b"&b%d;" % (n - 1) * 10) for n in range(1, 12)
)


@cache
def forms():
    return prepare(documents.template("vital_signs"))


READERS = {
    "canonical JSON": decode_composition,
    "canonical XML": lambda body: decode_xml(body, rm.Composition),
    "FLAT and STRUCTURED": lambda body: decode_simplified(body, forms(), now=NOW),
    "OPT 1.4": parse_opt,
    "ADL 2": parse_operational_template,
    "pattern": lambda body: Pattern(body.decode(errors="replace")).fullmatch("a" * 99),
}
PAYLOADS = {
    "nothing": b"",
    "nested lists": b"[" * DEEP,
    "nested lists, closed": b"[" * DEEP + b"]" * DEEP,
    "nested objects": b'{"name":' * DEEP,
    "nested objects of the model": b'{"_type":"CLUSTER","items":[' * DEEP,
    "nested in STRUCTURED": b'{"vital_signs":[' * DEEP,
    "nested brackets": b"(" * DEEP + b")" * DEEP,
    "a long number": ROOT + b"1" * LONG + b"}",
    "a long fraction": ROOT + b"0." + b"1" * LONG + b"}",
    "a long exponent": ROOT + b"1e" + b"9" * LONG + b"}",
    "a long number in FLAT": b'{"vital_signs/category":' + b"1" * LONG + b"}",
    "a long text": ROOT + b'"' + b"a" * LONG + b'"}',
    "a long key": b'{"' + b"a/" * (LONG // 2) + b'":1}',
    "many keys": b"{" + b",".join(b'"vital_signs/a:%d":1' % n for n in range(100_000)) + b"}",
    "a great index": b'{"vital_signs/body_temperature:999999999/any_event:0|x":1}',
    "not a number": ROOT + b"NaN}",
    "infinity": b'{"vital_signs/category":-Infinity}',
    "half a pair": ROOT + b'{"_type":"DV_TEXT","value":"\\ud800"}}',
    "half a pair in FLAT": b'{"ctx/language":"\\udfff"}',
    "half a pair, raw": ROOT + b'{"_type":"DV_TEXT","value":"\xed\xa0\x80"}}',
    "no UTF-8": b'{"a":"\xff\xfe"}',
    "another encoding": '{"a":1}'.encode("utf-16"),
    "doubled keys": b'{"_type":"COMPOSITION","_type":"COMPOSITION","uid":null,"uid":null}',
    "doubled fields": b'{"ctx/language":"en","ctx/language":"de"}',
    "NUL": b'{"_type":"COMPOSITION","archetype_node_id":"\\u0000"}',
    "a billion laughs": LAUGHS + b"]><composition>&b11;</composition>",
    "an outside entity": b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    "a DTD elsewhere": b'<!DOCTYPE a SYSTEM "http://localhost:9/a.dtd"><a/>',
    "nested elements": XML + b"<content>" * DEEP,
    "many attributes": b"<composition " + b" ".join(b'a%d="b"' % n for n in range(50_000)) + b"/>",
    "a long element": XML + b"<name><value>" + b"a" * LONG + b"</value></name></composition>",
    "nested braces": b"operational_template (adl_version=2.4.0) " + b"{" * DEEP,
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_hostile_payload_is_read_or_refused(reader, payload):
    """Every reader with every payload, its own and the others': nothing but typed errors."""
    body = PAYLOADS[payload]
    tracemalloc.start()
    try:
        READERS[reader](body)
    except (RmError, TemplateError, PatternError) as error:
        assert len(str(error)) < 1_000  # noqa: PT017  either way is right; it repeats no payload
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 64 * 1024 * 1024 + 32 * len(body)


@pytest.mark.parametrize("reader", READERS)
@settings(deadline=None, max_examples=100)
@given(body=st.binary(max_size=80) | st.text(max_size=60).map(lambda t: t.encode(errors="replace")))
def test_any_bytes_are_read_or_refused(reader, body):
    """No bytes at all make a reader fail in another way than its own."""
    try:
        READERS[reader](body)
    except (RmError, TemplateError, PatternError) as error:
        assert str(error)  # noqa: PT017  either way is right; only another error is not
