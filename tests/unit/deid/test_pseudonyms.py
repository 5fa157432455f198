"""Project pseudonyms: a permutation, stable inside, unrelated outside, quick in bulk."""

import random
import secrets
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moiety.deid.pseudonyms import Kind, Pseudonyms, date_shift_seed, shift_days

KEYS = st.binary(min_size=32, max_size=32)
KINDS = st.sampled_from(Kind)


@given(KEYS, st.uuids(), KINDS, st.lists(st.uuids(), unique=True))
def test_distinct_ids_have_distinct_pseudonyms_that_lead_back(key, domain, kind, ids):
    """Bijective on whatever ids there are, of any version and pattern."""
    pseudonyms = Pseudonyms(key, domain)
    found = pseudonyms.pseudonymise(kind, ids)
    assert len(ids) == len(set(found))
    assert ids == pseudonyms.reverse(kind, found)


@given(KEYS, st.uuids(), KINDS, st.lists(st.uuids(), min_size=1))
def test_they_are_the_same_at_another_time_and_in_another_bulk(key, domain, kind, ids):
    """Stable in the project: alone, in a list, in another order, by another object."""
    one, other = Pseudonyms(key, domain), Pseudonyms(key, domain)
    together = dict(zip(ids, one.pseudonymise(kind, ids), strict=True))
    backwards = dict(zip(ids[::-1], other.pseudonymise(kind, ids[::-1]), strict=True))
    alone = {id_: other.pseudonymise(kind, [id_])[0] for id_ in ids}
    assert together == backwards == alone


def test_every_reversal_is_total():
    """Any UUID is somebody's pseudonym: reversing alone proves nothing."""
    pseudonyms = Pseudonyms(secrets.token_bytes(32), uuid4())
    guessed = [uuid4() for _ in range(100)]
    assert guessed == pseudonyms.pseudonymise(Kind.EHR, pseudonyms.reverse(Kind.EHR, guessed))


@pytest.mark.parametrize("differs", ["project", "domain", "kind"])
def test_other_projects_domains_and_kinds_are_unrelated(differs):
    """No pseudonym in common over 20,000 ids, and their bits agree as often as a coin would."""
    key, domain = secrets.token_bytes(32), uuid4()
    ids = [uuid4() for _ in range(20_000)]
    first = Pseudonyms(key, domain).pseudonymise(Kind.EHR, ids)
    other_key = secrets.token_bytes(32) if differs == "project" else key
    other_domain = uuid4() if differs == "domain" else domain
    kind = Kind.CONTRIBUTION if differs == "kind" else Kind.EHR
    second = Pseudonyms(other_key, other_domain).pseudonymise(kind, ids)
    assert not set(first) & set(second)
    assert not set(first) & set(ids)
    bits = 128 * len(ids)
    differing = sum((a.int ^ b.int).bit_count() for a, b in zip(first, second, strict=True))
    assert abs(differing - bits / 2) < 5 * (bits / 4) ** 0.5
    again = Pseudonyms(key, domain).pseudonymise(Kind.EHR, ids)
    assert 20_000 == len(set(first) & set(again)), "the control: the same world joins whole"


def test_neighbouring_ids_are_no_neighbours():
    """The order of pseudonyms tells nothing of the order of ids (Spearman's ρ)."""
    start = random.Random(7).getrandbits(120)
    ids = [UUID(int=start + n) for n in range(5_000)]
    # One key, the same in every run: of fresh ones a thousandth is beyond the bound by chance.
    found = Pseudonyms(bytes(range(32)), UUID(int=1)).pseudonymise(Kind.EHR, ids)
    rank = {one: n for n, one in enumerate(sorted(found, key=lambda one: one.int))}
    n = len(ids)
    distance = sum((place - rank[one]) ** 2 for place, one in enumerate(found))
    rho = 1 - 6 * distance / (n * (n * n - 1))
    assert abs(rho) < 3.3 / (n - 1) ** 0.5
    versions = {one.bytes[6] >> 4 for one in found}
    assert 16 == len(versions), "the version bits mean nothing"


def test_it_is_the_published_cipher():
    """FIPS 197, appendix C.3: AES-256 of one block, reached through the same calls."""
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.algorithms import AES256
    from cryptography.hazmat.primitives.ciphers.modes import ECB

    pseudonyms = Pseudonyms(bytes(32), UUID(int=0))
    pseudonyms._ciphers[Kind.EHR] = Cipher(AES256(bytes(range(32))), ECB())
    plain = UUID("00112233-4455-6677-8899-aabbccddeeff")
    expected = UUID("8ea2b7ca-5167-45bf-eafc-49904b496089")
    assert [expected] == pseudonyms.pseudonymise(Kind.EHR, [plain])
    assert [plain] == pseudonyms.reverse(Kind.EHR, [expected])


def test_the_derivation_never_changes():
    """Fixed values: a release that derives otherwise would cut every running project in two."""
    key = bytes(range(32))
    pseudonyms = Pseudonyms(key, UUID(int=1))
    found = {kind: pseudonyms.pseudonymise(kind, [UUID(int=2)])[0] for kind in Kind}
    assert {
        Kind.EHR: UUID("132c3ed2-3ab2-2ce1-e017-d7c7570ae6be"),
        Kind.VERSIONED_OBJECT: UUID("9707cfdd-1bcf-f029-5261-40a4e9c6aaed"),
        Kind.CONTRIBUTION: UUID("ec3c1b4a-3faf-2cf9-3604-022e3bf94d37"),
        Kind.PARTY: UUID("cf0946c2-9d80-a961-a5d6-4dbaefdc91ba"),
    } == found


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_a_key_of_another_length_is_refused(size):
    """32 octets."""
    with pytest.raises(ValueError, match="32 octets"):
        Pseudonyms(secrets.token_bytes(size), uuid4())


def test_no_key_shows():
    """Neither in the object's text nor in the seed of the shifts."""
    key = secrets.token_bytes(32)
    assert "<pseudonyms>" == repr(Pseudonyms(key, uuid4()))
    assert key != date_shift_seed(key)


def test_shifts_spread_over_their_range():
    """Every day from -5 to 5 but 0, none twice as often as another."""
    seed = date_shift_seed(secrets.token_bytes(32))
    counts: dict[int, int] = {}
    for _ in range(10_000):
        days = shift_days(seed, uuid4(), most=5)
        counts[days] = counts.get(days, 0) + 1
    assert {-5, -4, -3, -2, -1, 1, 2, 3, 4, 5} == set(counts)
    assert max(counts.values()) < 1.3 * min(counts.values())
