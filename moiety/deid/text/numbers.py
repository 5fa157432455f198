"""Numbers and addresses of machines: e-mail, telephone, extension, postcode, and every number that
is given to a person, a sample, a practice or a professional.

A check digit makes a finding surer and never takes one back: people misread and mistype.
"""

import re
from collections.abc import Iterator

from moiety.deid import national_numbers
from moiety.deid.text import calling, coded_numbers, postcodes, said_numbers, vocabulary
from moiety.deid.text.cues import Cues, Places, announced, at, before, ends_with, opened
from moiety.deid.text.impersonal import impersonal_before, is_code, is_listed, spared
from moiety.deid.text.labels import Label
from moiety.deid.text.spans import Span
from moiety.deid.text.words import Words

_EMAIL = re.compile(
    r"(?<![\w.+-])[\w.+'-]{1,64} ?(?:@|\(at\)|\[at\]) ?(?:[A-Za-z0-9-]{1,63}(?:\.| \. |\[dot\]|,)){1,6}"
    r"[A-Za-z]{2,12}(?![\w@])",
    re.IGNORECASE,
)
_EMAIL_CUT = re.compile(
    r"(?<![\w.+-])[\w.+'-]{1,64}@(?!\d+(?:\.\d+)?[a-z]{0,3}(?![\w.]))[\w.-]{2,80}"
)

_TEL_REST = (
    r"(?: ?\(?(?:no|number|tel|details|h|w|home|work|mobile)\)?)?[ .:#()*-]{0,5}"
    r"(?:no|number|on|is|at|via)?[ .:#-]{0,3}(\+?\(?\d(?:[ .()/-]{0,2}(?:\d|[OolI](?=[\dOolI]))|[OolI]){4,13})(?!\w)"
)
_CUED_TELEPHONE = Cues([announced(
    Label.TELEPHONE,
    "tel tele tels telephone phone mob mobile fax landline contact call called ring rang text texted dial"
    " helpline hotline switchboard cell t m f h home work direct_line advice_line crisis_line whatsapp",
    _TEL_REST,
)])  # fmt: skip
_TELEPHONE = re.compile(
    r"(?<![\w./+-])(?:(?:\+|00)[ ]?44[ .()-]{0,3}(?:\(? ?0 ?\)?)?[ .()-]{0,3}[1-9]|\(?0[1-9])"
    r"(?:[ .)/-]{0,2}\d){7,10}(?![\w]|[.:]\d)",
)
_INTERNATIONAL = re.compile(r"(?<![\w+])(?:\+|00 ?)[1-9]\d{0,2}(?:[ .()-]{0,2}\d){7,12}(?!\w)")
_OR_TELEPHONE = re.compile(
    r"[ ]{0,2}(?:/|or|&|and|,)[ ]{0,2}(\d(?:[ .()-]{0,2}\d){3,10})(?![\w/]|[.,]\d)"
)

_TEN = re.compile(r"(?<![\w./+-])(?:[\dOoIl](?:[ .-]{0,2}[\dOoIl]){9})(?![\w/]|[.:-]\d)")
_NHS_CUE = Cues([announced(
    Label.NHS_NUMBER,
    "n.h.s chi h&c h_&_c hcn h_and_c health_and_care health_&_care health_and_social_care"
    " health_&_social_care national_health national_health_service hsc",
    r"\.?[ .:#-]{0,3}(?:no|number|num|nr|id|identifier|n|#)?[ .:#=()|*-]{0,6}"
    r"(?:is|was)?[ :]{0,2}([\dOoIl](?:[ .-]{0,2}[\dOoIlSB]){6,12})(?!\w)",
)])  # fmt: skip
_NHS_OLD = Cues([announced(
    Label.NHS_NUMBER,
    "nhs",
    r"[ .:#-]{0,3}(?:no|number|num)(?![a-z])[ .:#=()|*-]{0,6}([A-Z]{3,5}[ ]?\d{1,4}|[A-Z]\d[\dA-Z/ -]{3,10}\d)(?!\w)",
)])  # fmt: skip
_NINO = national_numbers.NINO

_NUMBER = r"(?:(?:nos?|number|num|nr|numb|id|i\.d|identifier|ref|reference|code)(?![a-z])|#|№)"
_VALUE = (
    r"((?!(?:to|at|on|of|for|is|was|in|and|by) )(?:[A-Za-z]{1,5}[-/. ]){0,3}(?-i:[A-Z]{1,4} )?[A-Za-z]{0,5}[-/.,]?\d[\dA-Za-z]*(?:[-/.,]{1,2}[\dA-Za-z]+)*"
    r"(?:[ ]\d{3,4}(?!\d|[/.:]\d|%| ?(?:mg|mls?|mm|mmol|g|kg|units?|hrs?)\b))*|[A-Za-z]{1,4}(?:[-/]\d+)+)"
)
_BETWEEN = r"(?:[ .:#=()|*\t-]{0,6}|: {0,40})(?:is|was|ends?(?: in| with)?|ending(?: in| with)?)?[ :.]{0,4}"
_CUED = Cues(
    announced(label, heads, rf"{rest}{_BETWEEN}{value}(?!\w)")
    for label, heads, rest, value in (
        (Label.GMC_NUMBER, "g.m.c",
         rf"\.?(?: ?(?:reg(?:istration|istered|d)?|registered))?[ .:]{{0,2}}{_NUMBER}?",
         r"([CcOoIl\d](?:[ -]?[\dOoIl]){5,8})"),
        (Label.HCPC_NUMBER, "hcpc hpc health_and_care_professions_council health_&_care_professions_council",
         rf"(?:[ -]?reg(?:istration|istered|d|n)?)?[ .:/]{{0,2}}{_NUMBER}?",
         r"([A-Za-z]{0,3}[ -]?[A-Za-z]{0,2}[ -]?\d(?:[ -]?\d){3,7})"),
        (Label.GP_IDENTIFIER, "g.p practice surgery national ods organisation prescriber dispensing",
         rf"\.?(?: (?:practice|surgery|national|ods|org))?[ .:]{{0,2}}{_NUMBER}",
         r"([A-Za-z]{1,2}[ ]?\d{4,8}|\d{6,8})"),
        (Label.ACCESSION_NUMBER,
         ("acc accn access accession lab laboratory specimen spec sample path pathology histo histology cyto"
         " cytology micro microbiology order request req exam examination study imaging radiology xray x-ray"
         " film pacs ris slide block barcode requisition test report event sid lims biopsy"),
         rf"(?: (?:sample|report|exam|request))?[ .:]{{0,2}}{_NUMBER}", _VALUE),
        (Label.ACCESSION_NUMBER, "acc accession lab_ref our_lab specimen", "", _VALUE),
        (Label.HOSPITAL_NUMBER,
         ("hosp hospital unit pat patient pt case cases case_note case_notes case_record case_records"
         " case_sheet case_sheets record med_rec med_recs med_record med_records medical_rec medical_recs"
         " medical_record medical_records reg registration pas cr rio epr epic emis systmone systm1"
         " carenotes cerner clinic chart district local mpi person our your client trust service_user"
         " file book yellow_book card folder prison prisoner a_&_e ed attendance episode encounter visit admission spell fin account pathway referral"
         " ubrn booking incident oasis paris swift mosaic liquid_logic social_care social_services police"
         " crime datix study trial randomisation randomization subject participant screening donor odt ukt student candidate member membership"
          " employee staff payroll resident tenant inmate detainee family lac"),
         rf"(?: (?:unit|record|identification))?[ .:]{{0,2}}{_NUMBER}", _VALUE),
        (Label.HOSPITAL_NUMBER,
         ("mrn h/n hn crn urn ppid cpi umrn mr# mr_no hosp k_number rxr pas rio datix swift wccis soscare mosaic carefirst"
         " carenotes systmone liquidlogic ubrn inc incident warrant pid harri paris prf epcr pcr cad log file index"), r"[ .:]{0,2}(?:no|number|#)?",
         r"((?=[^\n,;]{0,12}\d{3})(?-i:[A-Z]{1,5} )?[A-Za-z]{0,5}[-/]?\d[\dA-Za-z]*(?:[-/.]{1,2}[\dA-Za-z]+)*(?: \d{4}(?![\d/:.]))*)"),
        (Label.HOSPITAL_NUMBER, "mrn h/n hn crn urn hosp hospital unit pas k", r"[ .:]{0,2}(?:no|number|#)?",
         r"(?![tfm] ?0)([A-Za-z]{1,3} ?\d{2,5}(?:[ -]\d{2,5}){1,3})"),
        (Label.HOSPITAL_NUMBER, "ref reference", r"[ .:]{1,3}",
         r"((?:[A-Za-z]{1,5}(?:[-/] ?| |\.(?! ))){0,4}[A-Za-z]{0,3}\d[\dA-Za-z/.-]{2,20})"),
    )
)  # fmt: skip
_LISTED_FORM = re.compile(
    r"(?<![\w./+-])(?<!\d,)(?=[A-Z]{1,4}[ ,./-]?\d|PY L|\d\d(?:[A-Z/.-]|\d\d?-|\d{3,7}[A-Z]))(?:"
    r"(?P<hcpc>(?-i:(?:AS|BS|CH|CS|DT|ODP|OR|OT|PA|PH|PO|PYL|PY ?L|RA|SL|CL|HAD|SW)[ ])\d{5,6}|(?:AS|BS|CH|CS|DT|ODP|OR|OT|PA|PH|PO|PYL|PY ?L|RA|SL|CL|HAD|SW)\d{5,6})"
    r"|(?P<gp>G[\d]{7}|[A-HJ-NPV-Y]8\d{4})"
    r"|(?P<accession>\d{2}[A-Z]{1,3}\d{6,10}|[A-Z]{1,3},\d{2}\.\d{4,8}(?:\.[A-Z])?"
    r"|[A-Z]{1,4}-\d{2,4}-\d{4,8}|[A-Z]{1,2}\d{2}[-/]\d{3,7}|[A-Z]{1,2}/\d{2}/\d{3,7}|[A-Z]{1,2}\d{4,7}/\d{2}"
    r"|\d{2}/[A-Z]{1,3}/?\d{3,8}|[A-Z]{1,2}\.\d{2}\.\d{5,8}\.[A-Z]|[A-Z]{2,4}\d{8,14}|\d{2}[.-]\d{6,9}(?:\.[A-Z])?|\d{2}/\d{5,8})"
    r"|(?P<hospital>(?:[A-Z]{1,4}-?|(?-i:[A-Z]{1,3} ))\d{5,9}[A-Z]?|\d{5,9}[A-Z]{1,2}|[A-Z]{1,3}\d{2,3}-\d{3,6}|\d{2,4}-\d{2,4}-\d{2,4}(?:-\d{1,4})?)"
    r")(?![\w%/]|\.\d|,\d{3}(?!\d))",
    re.IGNORECASE,
)
_BARE = re.compile(r"(?<![\w./+:-])(\d{6,14})(?![\w%/]|[.:]\d|-\d)")
_GMC_BARE = re.compile(r"(?<![\w.,/+:-])(\d{3}[ ]\d{4})(?![\w%/]|[.,:]\d|-\d| \d)")


def find(words: Words, places: Places) -> Iterator[Span]:
    """Every number and e-mail address of a text that may identify; some may overlap."""
    text = words.text
    if "@" in text or "at)" in text or "at]" in text:
        yield from _matches(_EMAIL, text, Label.EMAIL, 0.99, "email")
        yield from _matches(_EMAIL_CUT, text, Label.EMAIL, 0.9, "email")
    yield from said_numbers.find(words, places)
    if not places.runs:
        return
    yield from postcodes.find(text, places)
    yield from _telephones(text, places)
    yield from calling.find(text, places)
    yield from _nhs_numbers(text, places)
    for label, match in _CUED.find(text, places):
        if _is_value(text, match) and not impersonal_before(text, match.start()):
            yield Span(*match.span(1), label, 0.9, "number after its name")
    yield from _by_form(text, places)
    yield from _grouped(text, places)
    for span in coded_numbers.find(words, places):
        bracketed = text[span.start - 1 : span.start] == "("
        if not is_listed(text, span.start) and (
            bracketed or not impersonal_before(text, span.start)
        ):
            yield span


def _is_value(text: str, match: re.Match[str]) -> bool:
    """Not `visit no 2`, not `patient number) IRAS 123456`."""
    digits = sum(c.isdigit() for c in match[1])
    return digits > 1 and not is_code(text, match.start(1)) and not _DECIMAL.fullmatch(match[1])


_DECIMAL = re.compile(r"\d{1,3}[.,]\d{1,3}")


def _matches(
    pattern: re.Pattern[str], text: str, label: Label, score: float, why: str
) -> Iterator[Span]:
    for match in pattern.finditer(text):
        yield Span(match.start(), match.end(), label, score, why)


def _telephones(text: str, places: Places) -> Iterator[Span]:
    for match in at(_TELEPHONE, text, opened(text, places.runs, "+(")):
        if not _looks_like_date(match[0]):
            yield Span(*match.span(), Label.TELEPHONE, 0.96, "telephone")
            yield from _telephones_after(text, match.end())
    if "+" in text or "00" in text:
        yield from _matches(_INTERNATIONAL, text, Label.TELEPHONE, 0.9, "telephone abroad")
    for _, match in _CUED_TELEPHONE.find(text, places):
        digits = sum(c.isdigit() for c in match[1])
        if digits < _WHOLE and not match[0][1].isalpha():
            continue  # `SNOMED T04030`
        if match[0][1].isdigit():
            continue  # `F71 4410922`: sex and age
        if (
            digits >= 5
            and not _looks_like_date(match[1])
            and not calling.UNIT.match(text, match.end())
        ):
            yield Span(*match.span(1), Label.TELEPHONE, 0.88, "number after telephone")
            yield from _telephones_after(text, match.end())


_WHOLE = 9


def _telephones_after(text: str, place: int) -> Iterator[Span]:
    """A second number that shares the cue of the first: `01234 567890 / 567891`."""
    match = _OR_TELEPHONE.match(text, place)
    if match and sum(c.isdigit() for c in match[1]) >= 5 and not _looks_like_date(match[1]):
        yield Span(*match.span(1), Label.TELEPHONE, 0.85, "second telephone")


_DATED = re.compile(r"\(?[0-3]?\d([/.-])[01]?\d\1(?:\d\d|(?:19|20)\d\d(?: [0-2]\d[0-5]\d)?)\)?")


def _looks_like_date(number: str) -> bool:
    """Whether a number is a date, with the hour or without: `08/05/2024 1126`."""
    return _DATED.fullmatch(number.strip()) is not None


def _nhs_numbers(text: str, places: Places) -> Iterator[Span]:
    for _, match in _NHS_CUE.find(text, places):
        yield Span(*match.span(1), Label.NHS_NUMBER, 0.97, "number after NHS")
    for _, match in _NHS_OLD.find(text, places):
        yield Span(*match.span(1), Label.NHS_NUMBER, 0.8, "old number after NHS")
    for match in at(_TEN, text, places.leads):
        digits = re.sub(r"\D", "", match[0])
        if len(digits) < 8 or impersonal_before(text, match.start()):
            continue
        surer = national_numbers.passes_modulus_11(digits)
        yield Span(*match.span(), Label.NHS_NUMBER, 0.95 if surer else 0.86, "ten digits")
    for match in at(_NINO, text, places.spelt):
        if not text[match.end() : match.end() + 1].isalnum():
            yield Span(*match.span(), Label.HOSPITAL_NUMBER, 0.9, "National Insurance number")


_FORMS = {
    "hcpc": (Label.HCPC_NUMBER, 0.75),
    "gp": (Label.GP_IDENTIFIER, 0.75),
    "accession": (Label.ACCESSION_NUMBER, 0.7),
    "hospital": (Label.HOSPITAL_NUMBER, 0.68),
}
_SAMPLE = vocabulary.group("numbers_of_samples")


_GROUPED = re.compile(
    r"(?<![\w.,/+-])(?:\d{3,5}[ -]\d{3,5} ?(?-i:[A-Z])|(?-i:[A-Z]{2,3}) ?\d{2,4}/\d{3,5}|[A-Z]\d{2}\.\d{5,8}|(?:(?!x|a|c|t|l)[A-Z]|[A-Z]{2,3})\d{0,3}(?:[ -]\d{2,4}){2,3}|X\d{1,3}(?:[ -]\d{2,4}){2,3}"
    r"|\d{2}(?:-\d{2}){2}-\d{1,4}|(?-i:[A-Z]{1,3})\d{2,4}[ ]\d{3,5})(?: (?-i:[A-Z])(?=[^\w]|$))?(?![\w%/]|[.,-]\d)",
    re.IGNORECASE,
)


_MEASURED = vocabulary.group("learned_abbreviations")


def _grouped(text: str, places: Places) -> Iterator[Span]:
    """`K 447 120`, `8830 4417 B`, `X00 912 34`, `00-81-22-7`: a number in groups, six digits and more."""
    for match in at(_GROUPED, text, places.leads):
        letters = re.match(r"[A-Za-z]*", match[0])
        word = letters[0].lower() if letters else ""
        known = len(word) > 1 and (
            vocabulary.before_digits(word) or word in _CUE_WORDS or word in _MEASURED
        )
        if (
            known
            or sum(c.isdigit() for c in match[0]) < 6 - ("/" in match[0])
            or spared(text, *match.span())
        ):
            continue
        yield Span(*match.span(), Label.HOSPITAL_NUMBER, 0.66, "number in groups")


def _by_form(text: str, places: Places) -> Iterator[Span]:
    """Numbers that nothing announces but their form and their length."""
    for match in at(_LISTED_FORM, text, places.leads):
        label, score = _FORMS[match.lastgroup or "hospital"]
        if spared(text, match.start(), match.end()):
            continue
        if label is Label.HOSPITAL_NUMBER and not any(c.isdigit() for c in match[0][-4:]):
            continue
        if (start := _own_start(text, match)) is not None:
            yield Span(start, match.end(), label, score, "form of a number")
    for match in at(_HCPC_SPACED, text, places.spelt):
        if match[0][:2] in _SMALL_WORDS:
            continue
        if _ENDS_NAME.match(text, match.end()) and match[0][:2].isupper():
            yield Span(*match.span(), Label.HCPC_NUMBER, 0.77, "form of a profession's number")
        elif _PROFESSION.search(text, max(0, match.start() - 40), match.end() + 24):
            yield Span(*match.span(), Label.HCPC_NUMBER, 0.76, "number of a profession")
    for match in (*at(_BARE, text, places.long), *at(_GMC_BARE, text, places.long)):
        if spared(text, match.start(), match.end()):
            continue
        label = Label.HOSPITAL_NUMBER
        if ends_with(before(text, match.start(), " :(#-"), _SAMPLE):
            label = Label.ACCESSION_NUMBER
        yield Span(*match.span(1), label, 0.6, "six digits and more")


_HCPC_SPACED = re.compile(
    r"(?<!\w)(?=[a-z])(?:as|bs|ch|cs|dt|odp|or|ot|pa|ph|po|pyl|ra|sl|had)(?:[ -]\d{5,6}|\d{3} \d{3})(?![\w/%-]|[.,]\d)",
    re.IGNORECASE,
)
_ENDS_NAME = re.compile(r"[ ]?(?:\n|$|[,).;])")
_SMALL_WORDS = frozenset({"as", "or", "ch", "cs", "po", "ha"})
_PROFESSION = re.compile(
    r"(?<![a-z])(?:hcpc|pin|reg(?:istration|istered|'d|d)?|para(?:medic)?|tech|emt|radiog|sonog|physio|o\.?t\.?(?![a-z])|"
    r"occupational|diet|slt|salt|speech|podia|chirop|ortho|psychol|scientist|bms|odp|operating|prosth|therap|"
    r"clinician|audiol|hearing)",
    re.IGNORECASE,
)
_SPACED = re.compile(r"([A-Za-z]{1,5}) ")


def _own_start(text: str, match: re.Match[str]) -> int | None:
    """Where the number begins: `GMC 1234567` is a word and a number, `XB 123456` is one number.

    None where what is left is a count: `CK 10342`.
    """
    start = match.start()
    spaced = _SPACED.match(match[0])
    after = start + spaced.end() if spaced else start
    if spaced and (impersonal_before(text, after) or _TELEPHONE_OF.match(match[0])):
        return None
    if spaced and (vocabulary.before_digits(spaced[1].lower()) or spaced[1].lower() in _CUE_WORDS):
        start += spaced.end()
        if match.end() - start < 6 or impersonal_before(text, start):
            return None
        return start
    return start + (match[0][0] in "xX" and match[0][1:].isdigit() and len(match[0]) < 7)


_TELEPHONE_OF = re.compile(r"[tfm] 0[1-9]", re.IGNORECASE)
"""`T 01323 960 290   F 01323 960 291`"""
_CUE_WORDS = frozenset(
    {"gmc", "dob", "tel", "nhs", "mrn", "no", "prf", "ref", "ext", "fax", "mob", "id", "chi"}
)
