"""One-time passwords: the vectors of RFC 4226 and RFC 6238, drift, and no second use."""

import pytest

from linkage_vault import totp

# RFC 4226, appendix D: counts 0 to 9.
HOTP = (
    "755224", "287082", "359152", "969429", "338314",
    "254676", "287922", "162583", "399871", "520489",
)  # fmt: skip
# RFC 6238, appendix B: eight digits; each digest has a secret of its own length.
SECRETS = {
    "sha1": b"12345678901234567890",
    "sha256": b"12345678901234567890123456789012",
    "sha512": b"1234567890123456789012345678901234567890123456789012345678901234",
}
TOTP = [
    (59, "94287082", "46119246", "90693936"),
    (1111111109, "07081804", "68084774", "25091201"),
    (1111111111, "14050471", "67062674", "99943326"),
    (1234567890, "89005924", "91819424", "93441116"),
    (2000000000, "69279037", "90698825", "38618901"),
    (20000000000, "65353130", "77737706", "47863826"),
]


def test_the_vectors_of_rfc_4226():
    """Ten counts of one secret."""
    assert list(HOTP) == [totp.code(SECRETS["sha1"], count) for count in range(10)]


@pytest.mark.parametrize("row", TOTP)
def test_the_vectors_of_rfc_6238(row):
    """Six moments, three digests."""
    moment, *expected = row
    found = [
        totp.code(secret, moment // 30, digits=8, digest=digest)
        for digest, secret in SECRETS.items()
    ]
    assert expected == found


def test_a_code_is_good_for_its_step_and_its_neighbours_once():
    """One step early and one late pass, two don't; a step that was used passes no more."""
    secret, now = SECRETS["sha1"], 1_000_000_015.0
    step = int(now // 30)
    for drift, passes in ((-2, False), (-1, True), (0, True), (1, True), (2, False)):
        given = totp.code(secret, step + drift)
        found = totp.matching_step(secret, given, now=now, after=0)
        assert (step + drift if passes else None) == found
    given = totp.code(secret, step)
    assert totp.matching_step(secret, given, now=now, after=step) is None
    assert totp.matching_step(secret, given, now=now, after=step - 1) == step


def test_the_uri_is_what_applications_read():
    """Key URI format: label, secret in base32 without padding, issuer."""
    text = totp.uri(b"12345678901234567890", account="ada@example", issuer="Moiety")
    assert (
        "otpauth://totp/Moiety:ada%40example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Moiety"
        == text
    )
