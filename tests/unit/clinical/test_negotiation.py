"""Accept, If-Match, Prefer and times, as clients write them."""

from datetime import UTC, datetime

import pytest

from clinical_api.formats import Format
from clinical_api.routes.negotiation import (
    CANONICAL,
    best_form,
    expected_version,
    moment,
    preference,
    versions,
)
from moiety.kit.errors import Malformed

UID = "8849182c-82ad-4088-a07f-48ead4180515::moiety.local::2"


@pytest.mark.parametrize(
    ("accept", "offered", "expected"),
    [
        (None, CANONICAL, Format.JSON),
        ("", CANONICAL, Format.JSON),
        ("*/*", CANONICAL, Format.JSON),
        ("application/*", CANONICAL, Format.JSON),
        ("application/xml", CANONICAL, Format.XML),
        ("text/xml; charset=utf-8", CANONICAL, Format.XML),
        ("text/*", CANONICAL, Format.XML),
        ("application/json;q=0.5, application/xml", CANONICAL, Format.XML),
        ("application/xml;q=0.5, */*;q=0.1", CANONICAL, Format.XML),
        ("text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8", CANONICAL,
         Format.XML),
        ("application/json, application/xml", CANONICAL, Format.JSON),
        ("application/pdf", CANONICAL, None),
        ("application/json;q=0", CANONICAL, None),
        ("application/json;q=nonsense", CANONICAL, None),
        ("application/openehr.wt.flat+json", CANONICAL, None),
        ("application/openehr.wt.flat+json", tuple(Format), Format.FLAT),
        ("application/openehr.wt.flat.schema+json", tuple(Format), Format.FLAT),
        ("APPLICATION/OPENEHR.WT.STRUCTURED+JSON", tuple(Format), Format.STRUCTURED),
        ("application/openehr.wt.structured.schema+json", tuple(Format), Format.STRUCTURED),
    ],
)  # fmt: skip
def test_the_format_that_accept_likes_best_is_answered(accept, offered, expected):
    """Weights first, then the order in which it names them (RFC 9110, 12.5.1)."""
    assert expected == best_form(accept, offered)


@pytest.mark.parametrize(
    ("prefer", "expected"),
    [
        (None, "minimal"), ("return=minimal", "minimal"), ("return=else", "minimal"),
        ("representation", "minimal"), ("return=representation", "representation"),
        ("respond-async, return=representation; x=1", "representation"),
        ("return=representation, resolve_refs", "representation"),
        ("return=identifier", "identifier"), ("RETURN=identifier", "identifier"),
    ],
)  # fmt: skip
def test_what_is_preferred_is_one_of_three(prefer, expected):
    """Whatever is not understood is minimal."""
    assert expected == preference(prefer)


@pytest.mark.parametrize("text", [UID, f'"{UID}"', f'W/"{UID}"', f" {UID} "])
def test_if_match_is_a_version_uid_in_any_dress(text):
    """Quoted, unquoted, weak."""
    assert UID == expected_version(text)


@pytest.mark.parametrize(
    "text",
    [None, "", "*", UID.replace("::2", "::-2"), UID.replace("::2", "::0"), f'"{UID}", "{UID}"',
     UID.partition("::")[0]],
)  # fmt: skip
def test_anything_else_in_if_match_is_malformed(text):
    """One version uid, and nothing else."""
    with pytest.raises(Malformed):
        expected_version(text)


def test_a_version_uid_comes_apart():
    """Object, system, number."""
    assert (UID.split("::", maxsplit=1)[0], "moiety.local", 2) == versions(UID)
    assert versions(f"{UID}.1.1") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-31T10:00:00Z", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("2026-01-31T10:00:00", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("2026-01-31T10:00", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("2026-01-31T10:00:00+02:00", datetime(2026, 1, 31, 8, tzinfo=UTC)),
        ("2026-01-31T10:00:00 02:00", datetime(2026, 1, 31, 8, tzinfo=UTC)),
        ("2026-01-31T10:00:00-0200", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31T10:00:00-02", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31T10:00:00.25Z", datetime(2026, 1, 31, 10, 0, 0, 250_000, tzinfo=UTC)),
        ("2026-01-31T10:00:00,25Z", datetime(2026, 1, 31, 10, 0, 0, 250_000, tzinfo=UTC)),
        (None, None),
    ],
)
def test_a_time_is_extended_iso_8601(text, expected):
    """UTC where it names no zone; a blank stands for a plus that was not encoded."""
    assert expected == moment(text)


@pytest.mark.parametrize(
    "text",
    ["", "now", "2026-01-31", "2026-01-31 10:00:00", "20260131T100000Z", "2026-02-30T10:00:00Z",
     "2026-01-31T25:00:00Z", "2026-01-31T10:00:00+99:00", "0001-01-01T00:00:00+14:00"],
)  # fmt: skip
def test_what_is_no_such_time_is_malformed(text):
    """Partial, basic, impossible."""
    with pytest.raises(Malformed):
        moment(text)
