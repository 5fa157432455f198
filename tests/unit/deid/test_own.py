"""A person's own identifiers: how they may be written and still be recognised, and what is not."""

import secrets
import shutil
import string
import subprocess
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from hypothesis import given
from hypothesis import strategies as st

from moiety.deid.own import candidates, forms, tokens, variants
from moiety.deid.own.variants import Name, Subject

KEY = bytes(range(32))
PERSON = Subject(
    names=(Name(("Margaret", "Zofia"), ("Okonkwo-Lindqvist",)), Name((), ("Fairbrother",))),
    birth_date="1947-02-09",
    numbers=("9434765919", "TW4471902"),
    telephones=("+44 113 496 0042",),
    emails=("Meg.Okonkwo@example.org",),
    lines=("Flat 3, 27 Quarry Hollow Road",),
    places=("Otley",),
    postcodes=("LS21 3AB",),
)


def seen(text, person=PERSON):
    """The parts of a text that are the person's own, with their kinds."""
    known = set(variants.forms_of(person))
    found = {}
    for one in candidates.find(text):
        for form in one.forms:
            if form in known:
                found.setdefault((one.start, one.end), forms.kind_of(form))
    return {(text[start:end], kind) for (start, end), kind in found.items()}


@pytest.mark.parametrize(
    ("text", "part", "kind"),
    [
        ("Mrs Okonkwo came", "Okonkwo", "NAME"),
        ("MARGARET OKONKWO-LINDQVIST", "MARGARET", "NAME"),
        ("margaret came back today", "margaret", "NAME"),
        ("Known as Peggy.", "Peggy", "NAME"),
        ("formerly Fairbrother", "Fairbrother", "NAME"),
        ("Margret attended", "Margret", "NAME"),  # a letter left out
        ("Margareet attended", "Margareet", "NAME"),  # one put in
        ("Margarat attended", "Margarat", "NAME"),  # another
        ("Magraret attended", "Magraret", "NAME"),  # two swapped
        ("Żofia Zofía", "Zofía", "NAME"),  # accents
        ("Initials M.O. on the form", "M.O.", "INITIALS"),
        ("born 9 February 1947", "9 February 1947", "DATE_OF_BIRTH"),
        ("born 9th of Feb 1947", "9th of Feb 1947", "DATE_OF_BIRTH"),
        ("DOB 09/02/1947", "09/02/1947", "DATE_OF_BIRTH"),
        ("DOB 9.2.47", "9.2.47", "DATE_OF_BIRTH"),
        ("DOB 1947-02-09", "1947-02-09", "DATE_OF_BIRTH"),
        ("February 9, 1947", "February 9, 1947", "DATE_OF_BIRTH"),
        ("DOB 09021947", "09021947", "DATE_OF_BIRTH"),
        ("NHS 943 476 5919", "943 476 5919", "NUMBER"),
        ("NHS 943-476-5919", "943-476-5919", "NUMBER"),
        ("MRN tw4471902", "tw4471902", "NUMBER"),
        ("phone 0113 496 0042", "0113 496 0042", "NUMBER"),
        ("phone (0113) 4960042", "0113) 4960042", "NUMBER"),
        ("phone +44 (0)113 496 0042", "44 (0)113 496 0042", "NUMBER"),
        ("at MEG.OKONKWO@example.org", "MEG.OKONKWO@example.org", "EMAIL"),
        ("of LS21 3AB", "LS21 3AB", "POSTCODE"),
        ("of ls213ab", "ls213ab", "POSTCODE"),
        ("27 Quarry Hollow Rd", "27 Quarry Hollow Rd", "ADDRESS"),
        ("lives in Otley", "Otley", "ADDRESS"),
    ],
)
def test_own_words_are_seen_however_they_are_written(text, part, kind):
    """Each way of writing that the variants are for."""
    assert (part, kind) in seen(text)


@pytest.mark.parametrize(
    "text",
    [
        "Seen by Dr Harriet Osborne on 14 March 2021.",
        "born 9 February 1948",
        "NHS 943 476 5870",
        "Maganet attended",  # two slips
        "of LS21 3AC",
        "BP 120/80, dose 9.2 mg, score 47",
        "The quarry is hollow.",
        "ring 0113 496 0043",
    ],
)
def test_what_is_another_s_is_not_seen(text):
    """One step away from an own identifier in what counts exactly, or somebody else's."""
    assert set() == seen(text)


def slips(word):
    """Every word that one slip makes of another: Damerau's four."""
    letters = string.ascii_lowercase
    for place in range(len(word) + 1):
        for letter in letters:
            yield word[:place] + letter + word[place:]
    for place in range(len(word)):
        yield word[:place] + word[place + 1 :]
        for letter in letters:
            yield word[:place] + letter + word[place + 1 :]
        if place:
            yield word[: place - 1] + word[place] + word[place - 1] + word[place + 1 :]


WORDS = st.text(string.ascii_lowercase[:4], min_size=5, max_size=9)


@given(WORDS, WORDS)
def test_forms_meet_exactly_where_one_slip_lies_between_two_names(name, word):
    """Against all slips written out; both names have five letters or more."""
    known = set(forms.name_forms(name))
    met = bool(known & {f"n:{word}", *forms.written_slips(word)})
    assert met == (word == name or word in set(slips(name)))


@given(WORDS.flatmap(lambda word: st.tuples(st.just(word), st.sampled_from(sorted(slips(word))))))
def test_every_slip_of_a_name_is_met(pair):
    """The control of the test above: slips that are drawn, not hoped for."""
    name, word = pair
    known = set(forms.name_forms(name))
    assert known & {f"n:{word}", *forms.written_slips(word)}


@given(st.text(max_size=200))
def test_any_text_gives_spans_inside_itself(text):
    """Offsets are right, whatever the text."""
    for one in candidates.find(text):
        assert 0 <= one.start < one.end <= len(text)
        assert one.forms


def test_a_person_has_a_bounded_number_of_forms():
    """Many names and numbers: 512 and no more, the exact names among them."""
    many = Subject(
        names=tuple(Name((f"Given{'abcdefghij'[n]}",), (f"Family{'abcdefghij'[n]}",))
                    for n in range(10)),
        numbers=tuple(str(10_000_000 + n) for n in range(300)),
    )  # fmt: skip
    found = variants.forms_of(many)
    assert variants.MOST == len(found) == len(set(found))
    assert {"n:givena", "n:familyj"} <= set(found)


def test_only_the_holder_of_the_key_and_the_nonce_can_compare():
    """Equal forms meet under one key and nonce; the controls are another key and another nonce."""
    token, other = tokens.tokens_of(KEY), tokens.tokens_of(bytes(range(1, 33)))
    nonce = tokens.fresh_nonce()
    known = token("n:margaret") + token("p:LS213AB")
    asked = tokens.blind(nonce, token("n:smith") + token("p:LS213AB"))
    assert [1] == tokens.compare(nonce, asked, known)
    assert [] == tokens.compare(tokens.fresh_nonce(), asked, known)
    assert [] == tokens.compare(nonce, asked, other("n:margaret") + other("p:LS213AB"))


TOKENS = st.lists(st.binary(min_size=16, max_size=16))


@given(st.binary(min_size=16, max_size=16), TOKENS)
def test_blinding_is_one_block_and_the_token_over_it(nonce, given_tokens):
    """Token by token, in another mode of the cipher."""
    key = AES256(sha256(b"moiety/screen/2" + nonce).digest())
    expected = []
    for token in given_tokens:
        turned = Cipher(key, CBC(bytes(16))).encryptor().update(token)
        expected.append(bytes(a ^ b for a, b in zip(turned, token, strict=True)))
    assert expected == tokens.split(tokens.blind(nonce, b"".join(given_tokens)))


def test_blinding_is_what_openssl_makes_of_it():
    """A second implementation, where it is installed."""
    openssl = shutil.which("openssl") or pytest.skip("no openssl command")
    nonce, token = bytes(range(16)), bytes(range(100, 116))
    key = sha256(b"moiety/screen/2" + nonce).hexdigest()
    command = [openssl, "enc", "-aes-256-ecb", "-nopad", "-K", key]
    turned = subprocess.run(command, input=token, capture_output=True, check=True).stdout
    assert tokens.blind(nonce, token) == bytes(a ^ b for a, b in zip(turned, token, strict=True))


def test_who_compares_does_not_get_back_to_tokens():
    """The vault knows the nonce and runs the cipher backwards: no token; all, without the XOR."""
    nonce, made = tokens.fresh_nonce(), [secrets.token_bytes(16) for _ in range(1000)]
    key = AES256(sha256(b"moiety/screen/2" + nonce).digest())

    def backwards(blinded):
        return tokens.split(Cipher(key, CBC(bytes(16))).decryptor().update(blinded))

    blinded = tokens.split(tokens.blind(nonce, b"".join(made)))
    bare = [
        bytes(a ^ b for a, b in zip(*pair, strict=True)) for pair in zip(blinded, made, strict=True)
    ]
    found = [sum(backwards(one)[0] in made for one in some) for some in (blinded, bare)]
    print(f"tokens found backwards: {found[0]} of 1,000; control, without the XOR: {found[1]}")
    assert [0, 1000] == found


@given(st.binary(min_size=16, max_size=16), TOKENS, TOKENS, st.randoms())
def test_comparison_tells_the_places_of_all_that_are_known(nonce, known, others, order):
    """Against the sets themselves; also where only the first halves are equal."""
    asked = [*known, *others]
    order.shuffle(asked)
    blinded = tokens.blind(nonce, b"".join(asked))
    places = [place for place, token in enumerate(asked) if token in set(known)]
    assert places == tokens.compare(nonce, blinded, b"".join(known))
    halved = b"".join(
        token[:8] + bytes(b ^ 1 for b in token[8:]) for token in tokens.split(blinded)
    )
    assert [] == tokens.compare(nonce, halved, b"".join(known))


def test_a_screen_key_of_another_length_is_refused():
    """32 octets, and the message says no more of it."""
    with pytest.raises(ValueError, match="32 octets"):
        tokens.tokens_of(b"short")
