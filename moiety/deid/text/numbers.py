"""Numbers and addresses of machines: e-mail, telephone, extension, postcode, and every number that
is given to a person, a sample, a practice or a professional.

A check digit makes a finding surer and never takes one back: people misread and mistype.
"""

import re
from collections.abc import Iterator

from moiety.deid import national_numbers
from moiety.deid.text import vocabulary
from moiety.deid.text.labels import Label
from moiety.deid.text.spans import Span

_EMAIL = re.compile(
    r"(?<![\w.+-])[\w.+'-]{1,64} ?(?:@|\(at\)|\[at\]) ?(?:[A-Za-z0-9-]{1,63}(?:\.| \. |\[dot\]|,)){1,6}"
    r"[A-Za-z]{2,12}(?![\w@])",
    re.IGNORECASE,
)
_EMAIL_CUT = re.compile(r"(?<![\w.+-])[\w.+'-]{1,64}@[\w.-]{2,80}")

_AREAS = (
    "AB|AL|BA|BB|BD|BF|BH|BL|BN|BR|BS|BT|BX|CA|CB|CF|CH|CM|CO|CR|CT|CV|CW|DA|DD|DE|DG|DH|DL|DN|DT"
    "|DY|EC|EH|EN|EX|FK|FY|GL|GU|GY|HA|HD|HG|HP|HR|HS|HU|HX|IG|IM|IP|IV|JE|KA|KT|KW|KY|LA|LD|LE"
    "|LL|LN|LS|LU|ME|MK|ML|NE|NG|NN|NP|NR|NW|OL|OX|PA|PE|PH|PL|PO|PR|RG|RH|RM|SA|SE|SG|SK|SL|SM"
    "|SN|SO|SP|SR|SS|ST|SW|SY|TA|TD|TF|TN|TQ|TR|TS|TW|UB|WA|WC|WD|WF|WN|WR|WS|WV|YO|ZE|B|E|G|L|M"
    "|N|S|W"
)
_POSTCODE = re.compile(
    rf"(?<![\w.])(?:GIR ?0AA|(?:{_AREAS})[\dOI][\dA-HJKPSTUWO]?[ \t\n]{{0,3}}[\dOI][ABD-HJLNP-UW-Z]{{2}})"
    r"(?!\w)",
    re.IGNORECASE,
)
_NO_POSTCODE = frozenset({"st", "nd", "rd", "th", "hr", "pt", "dr"})
_POSTCODE_TYPO = re.compile(r"(?<![\w.])[A-Z]{1,2}\d[\dA-Z]?[ ]{1,2}\d[A-Z]{2}(?!\w)")
_OUTWARD = re.compile(
    rf"(?i:post ?code|post code area|outcode)[ :.-]{{0,4}}((?:{_AREAS})\d[\dA-Z]?)(?!\w)",
    re.IGNORECASE,
)

_TEL_CUE = (
    r"(?:tel(?:ephone|e|s)?(?: ?\(?(?:no|number|h|w|home|work|mobile)\)?)?|phone(?: ?(?:no|number))?"
    r"|mob(?:ile)?(?: ?(?:no|number))?|fax(?: ?(?:no|number))?|landline|contact(?: ?(?:no|number|tel"
    r"|details))?|call(?:ed)?|ring|rang|text(?:ed)?|dial|helpline|hotline|switchboard|cell|t|m|f|h"
    r"|home|work|direct line|advice line|crisis line|whatsapp)"
)
_TELEPHONE = re.compile(
    r"(?<![\w./+-])(?:(?:\+|00)[ ]?44[ .()-]{0,3}(?:\(? ?0 ?\)?)?[ .()-]{0,3}[1-9]|\(?0[1-9])"
    r"(?:[ .)/-]{0,2}\d){7,10}(?![\w]|[.]\d)",
)
_INTERNATIONAL = re.compile(r"(?<![\w+])\+[1-9]\d{0,2}(?:[ .()-]{0,2}\d){7,12}(?!\w)")
_CUED_TELEPHONE = re.compile(
    rf"(?<![A-Za-z]){_TEL_CUE}[ .:#()*-]{{0,5}}(?:no|number|on|is|at|via)?[ .:#-]{{0,3}}"
    r"(\+?\(?\d(?:[ .()/-]{0,2}[\dOolI]){4,13})(?!\w)",
    re.IGNORECASE,
)
_OR_TELEPHONE = re.compile(
    r"[ ]{0,2}(?:/|or|&|and|,)[ ]{0,2}(\d(?:[ .()-]{0,2}\d){3,10})(?![\w/]|[.,]\d)"
)

_EXTENSION = re.compile(
    r"(?<![A-Za-z])(?:ext(?:n|s|ension|ensions|en)?|xtn|bleep|bleeps|blp|bl|bp|bleeped|bleeping|pager|"
    r"pagers|paged|page|pgr|dect|vocera|baton|aircall|air call|radiopage|internal|int|short ?code|"
    r"speed ?dial|on ?call ?phone|via switch(?:board)?|voip|cisco|spectralink|crash ?bleep)"
    r"[ .:#()=-]{0,4}(?:no|number|num|is|on|via|phone)?[ .:#()=-]{0,4}"
    r"(\d(?:[ -]?\d){1,5})(?!\d)((?: ?(?:/|or|and|&|,) ?\d{3,6}(?![\d/]))*)(?![/\d]|[.,]\d)",
    re.IGNORECASE,
)
_SHORT_X = re.compile(r"(?<![\w.])[xX][ .:]?(\d{3,6})(?![\w/%]|[.,]\d)")
_HASH = re.compile(r"(?<![\w#])[#*](\d{3,6})(?![\w/%]|[.,]\d)")
_EXTENSION_LATER = re.compile(
    r"(?<![\d.,/])(\d{3,6})[ ]{0,2}\(?(?:bleep|ext|extn|pager|dect)\)?(?![A-Za-z])", re.IGNORECASE
)

_CALL_ON = re.compile(
    r"(?<![A-Za-z])(?:ring|rang|call|phone|contact|get|catch|reach|bleep|page|dial|available|contactable|am|me|him|her|us|them)"
    r"(?: (?:me|us|him|her|them|back|the ward|ward|sec|secretary)){0,2} on (\d{4,5}|\d-\d{4})(?![\w%/-]|[.,]\d)",
    re.IGNORECASE,
)
_FIVE = re.compile(r"(?<=[A-Za-z] )\((\d{5})\)")
_TEN = re.compile(r"(?<![\w./+-])(?:[\dOoIl](?:[ .-]{0,2}[\dOoIl]){9})(?![\w/]|[.-]\d)")
_NHS_CUE = re.compile(
    r"(?<![A-Za-z])(?:n\.?h\.?s\.?|chi|h ?& ?c|hcn|h and c|health ?(?:and|&) ?(?:social )?care|"
    r"national health(?: service)?|hsc)[ .:#-]{0,3}(?:no|number|num|nr|id|identifier|n|#)?[ .:#=()|*-]{0,6}"
    r"(?:is|was)?[ :]{0,2}([\dOoIl](?:[ .-]{0,2}[\dOoIlSB]){6,12})(?!\w)",
    re.IGNORECASE,
)
_NHS_OLD = re.compile(
    r"(?<![A-Za-z])nhs[ .:#-]{0,3}(?:no|number|num)[ .:#=()|*-]{0,6}([A-Z]{3,5}[ ]?\d{1,4}|[A-Z]\d[\dA-Z/ -]{3,10}\d)(?!\w)",
    re.IGNORECASE,
)
_NINO = national_numbers.NINO

_NUMBER = r"(?:no|nos|number|num|nr|numb|id|i\.d|identifier|ref|reference|code|#|№)"
_VALUE = r"((?-i:[A-Z]{1,4} )?[A-Za-z]{0,5}[-/.,]?\d[\dA-Za-z]*(?:[-/.,]{1,2}[\dA-Za-z]+)*|[A-Za-z]{1,4}(?:[-/]\d+)+)"
_CUED: tuple[tuple[Label, re.Pattern[str]], ...] = tuple(
    (label, re.compile(
        rf"(?<![A-Za-z])(?:{cue})[ .:#=()|*\t-]{{0,6}}(?:is|was)?[ :]{{0,2}}{value}(?!\w)", re.IGNORECASE))
    for label, cue, value in (
        (Label.GMC_NUMBER,
         rf"g\.?m\.?c\.?(?: ?(?:reg(?:istration|istered|d)?|registered))?[ .:]{{0,2}}{_NUMBER}?",
         r"([CcOoIl\d](?:[ -]?[\dOoIl]){5,8})"),
        (Label.HCPC_NUMBER,
         rf"(?:hcpc|hpc|health (?:and|&) care professions council)(?: ?reg(?:istration|istered|d)?)?[ .:]{{0,2}}{_NUMBER}?",
         r"([A-Za-z]{0,3}[ -]?[A-Za-z]{0,2}[ -]?\d(?:[ -]?\d){3,7})"),
        (Label.GP_IDENTIFIER,
         (rf"(?:g\.?p\.?|practice|surgery|national|ods|organisation|prescriber|dispensing)"
         rf"(?: (?:practice|surgery|national|ods|org))?[ .:]{{0,2}}{_NUMBER}"), r"([A-Za-z]{1,2}[ ]?\d{4,8}|\d{6,8})"),
        (Label.ACCESSION_NUMBER,
         (rf"(?:acc(?:ession|n|ess)?|lab(?:oratory)?|specimen|spec|sample|path(?:ology)?|histo(?:logy)?|"
         rf"cyto(?:logy)?|micro(?:biology)?|order|request|req|exam(?:ination)?|study|imaging|radiology|"
         rf"xray|x-ray|film|pacs|ris|slide|block|barcode|requisition|test|report|event|sid|lims|biopsy)"
         rf"(?: (?:sample|report|exam|request))?[ .:]{{0,2}}{_NUMBER}"), _VALUE),
        (Label.ACCESSION_NUMBER, r"acc(?:ession)?|lab ref|our lab|specimen", _VALUE),
        (Label.HOSPITAL_NUMBER,
         (rf"(?:(?:hosp(?:ital)?|unit|pat(?:ient)?|pt|case ?(?:note|record|sheet)?s?|record|med(?:ical)? "
         rf"rec(?:ord)?s?|reg(?:istration)?|pas|cr|rio|epr|epic|emis|systmone|systm1|carenotes|cerner|"
         rf"clinic|chart|district|local|mpi|person|our|your|client|trust|service user|file|a ?& ?e|ed|"
         rf"attendance|episode|encounter|visit|admission|spell|fin|account|pathway|referral|"
         rf"ubrn|booking|incident|oasis|paris|swift|mosaic|liquid ?logic|social (?:care|services)|"
         rf"police|crime|datix|study|trial|subject|participant|screening|donor|odt|ukt)"
         rf"|(?:hosp(?:ital)?|pt|patient|local) (?:unit|record|identification|i\.?d))"
         rf"[ .:]{{0,2}}{_NUMBER}"), _VALUE),
        (Label.HOSPITAL_NUMBER,
         r"(?:mrn|h/n|hn|crn|urn|ppid|cpi|umrn|mr#|mr no|hosp|k number|rxr|pas|rio)[ .:]{0,2}(?:no|number|#)?",
         r"((?=[^\n]{0,12}\d{3})(?-i:[A-Z]{1,4} )?[A-Za-z]{0,5}[-/]?\d[\dA-Za-z]*(?:[-/.]{1,2}[\dA-Za-z]+)*)"),
        (Label.HOSPITAL_NUMBER, r"(?:mrn|h/n|hn|crn|urn|hosp(?:ital)?|unit|pas|k)[ .:]{0,2}(?:no|number|#)?", r"([A-Za-z]{1,3} ?\d{2,5}(?:[ -]\d{2,5}){1,3})"),
        (Label.HOSPITAL_NUMBER, r"(?:(?:our|your|my)[ ])?ref(?:erence)?[ .:]{1,3}", r"((?:[A-Za-z]{1,5}[-/. ]{1,2}){0,4}[A-Za-z]{0,3}\d[\dA-Za-z/.-]{2,20})"),
    )
)  # fmt: skip
_LISTED_FORM = re.compile(
    r"(?<![\w./+-])(?<!\d,)(?:"
    r"(?P<hcpc>(?-i:(?:AS|BS|CH|CS|DT|ODP|OR|OT|PA|PH|PO|PYL|PY ?L|RA|SL|CL|HAD)[ ])\d{5,6}|(?:AS|BS|CH|CS|DT|ODP|OR|OT|PA|PH|PO|PYL|PY ?L|RA|SL|CL|HAD)\d{5,6})"
    r"|(?P<gp>G[\d]{7}|[A-HJ-NPV-Y]8\d{4})"
    r"|(?P<accession>\d{2}[A-Z]{1,3}\d{6,10}|[A-Z]{1,3},\d{2}\.\d{4,8}\.[A-Z]"
    r"|[A-Z]{1,4}-\d{2,4}-\d{4,8}|[A-Z]{1,2}\d{2}[-/]\d{3,7}|[A-Z]{1,2}/\d{2}/\d{3,7}|[A-Z]{1,2}\d{4,7}/\d{2}"
    r"|\d{2}/[A-Z]{1,3}/?\d{3,8}|[A-Z]{1,2}\.\d{2}\.\d{5,8}\.[A-Z]|[A-Z]{2,4}\d{8,14}|\d{2}[.-]\d{6,9}(?:\.[A-Z])?)"
    r"|(?P<hospital>(?:[A-Z]{1,4}-?|(?-i:[A-Z]{1,3} ))\d{5,9}[A-Z]?|\d{5,9}[A-Z]{1,2}|[A-Z]{1,3}\d{2,3}-\d{3,6}|\d{2,4}-\d{2,4}-\d{2,4}(?:-\d{1,4})?)"
    r")(?![\w%/]|\.\d|,\d{3}(?!\d))",
    re.IGNORECASE,
)
_BARE = re.compile(r"(?<![\w./+:-])(\d{6,14})(?![\w%/]|[.:]\d|-\d)")
_GMC_BARE = re.compile(r"(?<![\w.,/+:-])(\d{3}[ ]\d{4})(?![\w%/]|[.,:]\d|-\d| \d)")

_UNIT = re.compile(
    r" {0,2}(?:x ?10|×|mg|mcg|µg|ug|ng|pg|g|kg|ml|mls|mL|l|L|mm|cm|m|iu|IU|units?|u|U|mmol|"
    r"nmol|pmol|umol|µmol|%|/ ?(?:ml|L|l|hpf|mm|kg|min)|copies|cells|bpm|mmHg|mmhg|kPa|kpa|kcal|cal|ms\b|hz|"
    r"hours?|hrs?|mins?|secs?|days?|weeks?|months?|years?|yrs?|million|thousand|MBq|mSv|mGy|Gy\b|"
    r"tabs?|caps?|puffs?|drops?|pounds|steps|metres|platelets)(?![A-Za-z])",
)
_NOT_PERSONAL = re.compile(
    r"(?:nct|kit|catalogue|part|isrctn|eudract|snomed(?:[ -]?ct)?|sctid|icd(?:-?(?:10|11|o))?|opcs(?:-?4)?|read(?: code)?|"
    r"ctv3|loinc|dm\+d|vtm|vmp|atc|pmid|doi|isbn|issn|lot|batch|serial|s/n|model|exp(?:iry)?|version|"
    r"v|iras|rec|orpha|omim|hgnc|ncbi|rs|nm_|np_|chr|hpo|hp|cas|ean|gtin|upc|order code|product|"
    r"£|\$|€|count|plt|platelets?|wbc|wcc|rbc|hb|ck|troponin|trop|ferritin|bnp|nt-?probnp|"
    r"d-?dimer|ldh|crp|alt|ast|alp|ggt|amylase|lipase|psa|cea|ca ?(?:125|19-9|15-3)|afp|hcg|tsh|ft4|b12|"
    r"folate|vit(?:amin)? d|glucose|creat(?:inine)?|urea|viral load|vl|cd4|copies|titre|titer|ige|"
    r"dose|dlp|heart rate|steps|weight|birth ?weight)"
    r"(?: ?(?:no|number|num|code|id|level|of|was|is|at|ref))?[ .:#=<>~|()-]{0,4}$",
    re.IGNORECASE,
)
_REACH = 28


def find(text: str) -> Iterator[Span]:
    """Every number and e-mail address of a normalised text that may identify; some may overlap."""
    if "@" in text or "at)" in text or "at]" in text:
        yield from _matches(_EMAIL, text, Label.EMAIL, 0.99, "email")
        yield from _matches(_EMAIL_CUT, text, Label.EMAIL, 0.9, "email")
    if not any(digit in text for digit in "0123456789"):
        return
    yield from _postcodes(text)
    yield from _telephones(text)
    yield from _extensions(text)
    yield from _nhs_numbers(text)
    for label, pattern in _CUED:
        for match in pattern.finditer(text):
            yield Span(*match.span(1), label, 0.9, "number after its name")
    yield from _by_form(text)
    yield from _grouped(text)


def _matches(
    pattern: re.Pattern[str], text: str, label: Label, score: float, why: str
) -> Iterator[Span]:
    for match in pattern.finditer(text):
        yield Span(match.start(), match.end(), label, score, why)


def _postcodes(text: str) -> Iterator[Span]:
    for match in _POSTCODE.finditer(text):
        inward = match[0][-2:]
        if (inward.islower() and inward in _NO_POSTCODE) or not any(c.isdigit() for c in match[0]):
            continue
        yield Span(*match.span(), Label.POSTCODE, 0.97, "postcode")
    yield from _matches(_POSTCODE_TYPO, text, Label.POSTCODE, 0.7, "form of a postcode")
    for match in _OUTWARD.finditer(text):
        yield Span(*match.span(1), Label.POSTCODE, 0.8, "outward postcode after its name")


def _telephones(text: str) -> Iterator[Span]:
    last = -1
    for match in _TELEPHONE.finditer(text):
        if not _looks_like_date(match[0]):
            last = match.end()
            yield Span(*match.span(), Label.TELEPHONE, 0.96, "telephone")
            yield from _telephones_after(text, last)
    yield from _matches(_INTERNATIONAL, text, Label.TELEPHONE, 0.9, "telephone abroad")
    for match in _CUED_TELEPHONE.finditer(text):
        digits = sum(c.isdigit() for c in match[1])
        if digits >= 5 and not _looks_like_date(match[1]) and not _UNIT.match(text, match.end()):
            yield Span(*match.span(1), Label.TELEPHONE, 0.88, "number after telephone")
            yield from _telephones_after(text, match.end())


def _telephones_after(text: str, place: int) -> Iterator[Span]:
    """A second number that shares the cue of the first: `01234 567890 / 567891`."""
    match = _OR_TELEPHONE.match(text, place)
    if match and sum(c.isdigit() for c in match[1]) >= 5 and not _looks_like_date(match[1]):
        yield Span(*match.span(1), Label.TELEPHONE, 0.85, "second telephone")


def _looks_like_date(number: str) -> bool:
    return (
        re.fullmatch(r"\(?[0-3]?\d([/.-])[01]?\d\1(?:\d\d|(?:19|20)\d\d)\)?", number.strip())
        is not None
    )


def _extensions(text: str) -> Iterator[Span]:
    for match in _EXTENSION.finditer(text):
        if _UNIT.match(text, match.end(1)) and not match[2]:
            continue
        yield Span(match.start(1), match.end(2), Label.EXTENSION, 0.92, "number after extension")
    for pattern in (_SHORT_X, _HASH, _EXTENSION_LATER, _CALL_ON, _FIVE):
        for match in pattern.finditer(text):
            yield Span(*match.span(1), Label.EXTENSION, 0.8, "form of an extension")


def _nhs_numbers(text: str) -> Iterator[Span]:
    for match in _NHS_CUE.finditer(text):
        yield Span(*match.span(1), Label.NHS_NUMBER, 0.97, "number after NHS")
    for match in _NHS_OLD.finditer(text):
        yield Span(*match.span(1), Label.NHS_NUMBER, 0.8, "old number after NHS")
    for match in _TEN.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        if len(digits) < 8 or _NOT_PERSONAL.search(
            text, max(0, match.start() - _REACH), match.start()
        ):
            continue
        surer = national_numbers.passes_modulus_11(digits)
        yield Span(*match.span(), Label.NHS_NUMBER, 0.95 if surer else 0.86, "ten digits")
    for match in _NINO.finditer(text):
        before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
        if not (before.isalnum() or after.isalnum()):
            yield Span(*match.span(), Label.HOSPITAL_NUMBER, 0.9, "National Insurance number")


_BEHIND_NAME = re.compile(r"[ ,:-]{1,3}(\d{4,5})(?=[ \t]*(?:\n|$|[,;|)]))")


def behind_names(text: str, names: list[Span]) -> Iterator[Span]:
    """`Site manager: Uzo Virk 10221`: four or five digits right behind a name, at the end."""
    for name in names:
        match = _BEHIND_NAME.match(text, name.end)
        if match and not (len(match[1]) == 4 and match[1][:2] in ("19", "20")):
            yield Span(*match.span(1), Label.EXTENSION, 0.6, "digits behind a name")


_FORMS = {
    "hcpc": (Label.HCPC_NUMBER, 0.75),
    "gp": (Label.GP_IDENTIFIER, 0.75),
    "accession": (Label.ACCESSION_NUMBER, 0.7),
    "hospital": (Label.HOSPITAL_NUMBER, 0.68),
}
_SAMPLE = re.compile(
    r"(?:ct|cxr|axr|mri|mr|us|uss|xr|x-?ray|scan|film|pet|dexa|echo|mammogram|angiogram|oct|acc|"
    r"biopsy|histology|specimen|sample|cytology|lab|report|imaging|comparison|previous|prior)"
    r"[ :(#-]{0,4}$",
    re.IGNORECASE,
)


_GROUPED = re.compile(
    r"(?<![\w.,/+-])(?:\d{3,5}[ -]\d{3,5} ?(?-i:[A-Z])|(?-i:[A-Z]{2,3}) ?\d{2,4}/\d{3,5}|[A-Z]\d{2}\.\d{5,8}|(?:(?!x|a|c|t|l)[A-Z]|[A-Z]{2,3})\d{0,3}(?:[ -]\d{2,4}){2,3}|X\d{1,3}(?:[ -]\d{2,4}){2,3}"
    r"|\d{2}(?:-\d{2}){2}-\d{1,4}|(?-i:[A-Z]{1,3})\d{2,4}[ ]\d{3,5})(?![\w%/]|[.,-]\d)",
    re.IGNORECASE,
)


_MEASURED = vocabulary.group("learned_abbreviations")


def _grouped(text: str) -> Iterator[Span]:
    """`K 447 120`, `8830 4417 B`, `X00 912 34`, `00-81-22-7`: a number in groups, six digits and more."""
    for match in _GROUPED.finditer(text):
        letters = re.match(r"[A-Za-z]*", match[0])
        word = letters[0].lower() if letters else ""
        known = len(word) > 1 and (
            vocabulary.flags(word) or word in _CUE_WORDS or word in _MEASURED
        )
        if (
            known
            or sum(c.isdigit() for c in match[0]) < 6 - ("/" in match[0])
            or _spared(text, *match.span())
        ):
            continue
        yield Span(*match.span(), Label.HOSPITAL_NUMBER, 0.66, "number in groups")


def _by_form(text: str) -> Iterator[Span]:
    """Numbers that nothing announces but their form and their length."""
    for match in _LISTED_FORM.finditer(text):
        label, score = _FORMS[match.lastgroup or "hospital"]
        if _spared(text, match.start(), match.end()):
            continue
        if label is Label.HOSPITAL_NUMBER and not any(c.isdigit() for c in match[0][-4:]):
            continue
        if (start := _own_start(text, match)) is not None:
            yield Span(start, match.end(), label, score, "form of a number")
    for match in (*_BARE.finditer(text), *_GMC_BARE.finditer(text)):
        if _spared(text, match.start(), match.end()):
            continue
        label = Label.HOSPITAL_NUMBER
        if _SAMPLE.search(text, max(0, match.start() - _REACH), match.start()):
            label = Label.ACCESSION_NUMBER
        yield Span(*match.span(1), label, 0.6, "six digits and more")


_SPACED = re.compile(r"([A-Za-z]{1,5}) ")


def _own_start(text: str, match: re.Match[str]) -> int | None:
    """Where the number begins: `GMC 1234567` is a word and a number, `XB 123456` is one number.

    None where what is left is a count: `CK 10342`.
    """
    start = match.start()
    spaced = _SPACED.match(match[0])
    after = start + spaced.end() if spaced else start
    if spaced and _NOT_PERSONAL.search(text, max(0, after - _REACH), after):
        return None
    if spaced and (vocabulary.flags(spaced[1].lower()) or spaced[1].lower() in _CUE_WORDS):
        start += spaced.end()
        if match.end() - start < 6 or _NOT_PERSONAL.search(text, max(0, start - _REACH), start):
            return None
        return start
    return start + (match[0][0] in "xX" and match[0][1:].isdigit() and len(match[0]) < 7)


_CUE_WORDS = frozenset(
    {"gmc", "dob", "tel", "nhs", "mrn", "no", "prf", "ref", "ext", "fax", "mob", "id", "chi"}
)
_IMPERSONAL = re.compile(
    r"(?:nct|isrctn|eudract|snomed|chembl|icd|hgnc|rs|nm|lot|ref|kit|iso)[ -]?\d", re.IGNORECASE
)


def _spared(text: str, start: int, end: int) -> bool:
    """Whether a unit follows or a name of something impersonal stands before."""
    if _UNIT.match(text, end) or _IMPERSONAL.match(text, start):
        return True
    return _NOT_PERSONAL.search(text, max(0, start - _REACH), start) is not None
