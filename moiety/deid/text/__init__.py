"""What identifies a person in clinical free text: sixteen kinds, found with their offsets.

labels         the sixteen kinds
spans          one finding; findings without overlap       resolve(spans)
known          a subject's own identifiers as fingerprints
context        what is known besides the text
options        what to look for
normalising    look-alikes in one form, with the way back
vocabulary     what is known of a word                     data/*.txt
words          a text as words
phrases        listed phrases by their first two words
cues           words that announce what follows, places where a pattern may begin
postcodes      postcodes, whole, spelled or outward alone
numbers        e-mail, telephone, every number
calling        extensions, bleeps, whom to call
impersonal     what a number is that is no person's: a dose, a batch, a trial
coded_numbers  numbers that their groups of letters and digits tell
said_numbers   numbers said digit by digit
said_emails    e-mail addresses as they are dictated or disguised
feasts         days that have a name
ordinals       days of the month by their number
rare_dates     dates in forms that few write
said_dates     dates said in words; what belongs to a date before it
dotted_dates   `6.12` where it is a day and no measure
partial_dates  days and months without a year
dates          dates, and what only looks like one
site           formats and lists of the site
landscape      words that streets and houses are named with
listed_hospitals  hospitals that the lists have
belonging      which words belong to the name of a hospital or practice
practices      practices behind their cue, or by the word that ends their name
organisations  hospitals, trusts, practices
short_hospitals  hospitals and practices as they are called in haste
units          centres, units and departments of a place
by_context     those of which only the place in the sentence tells
before_postcode   what stands before a postcode
villages       villages by their first word
named_towns    towns by their names
house_rows     number and street of an address that goes on
streets        streets, with house number and flat
foreign_streets  streets of other countries
addresses      houses, streets, towns
address_fields  the cell behind `Address` in a form
dwellings      homes, hostels, prisons, parks, boats, Welsh names of houses
conversions    houses that once were something else
widening       what belongs to an address before and behind it
roles          words beside which a person is named
terms          what could be a name and is a term, a drug, a slip of the pen
naming         whether a word begins a name or goes on with one
joining        names that belong together
turning        names that stand surname first
unannounced    names that nothing announces
people         names, announced or not
rounding       what belongs to a name: by-name, `Snr`, a last letter
nicknamed      what people are called beside their names, in brackets, quotes or behind `known as`
spelt_names    names that are spelled letter by letter
articles       what leads and ends the name of a place: `The`, `Upper`, `'s`
initials       initials
lettered       initials that their own form tells: `J.K.`, `Baby J`, `Mr K`
signing        initials that close or open an entry
living         where a text says that somebody lives
grading        letters that sign: before a grade, in pairs, in rows
framing        places where only a person's letters stand
doing          letters of whoever did it
closing        letters that close a text or a sentence, however typed
closing_gaps   what is left between two findings and belongs to them
edges          what stands before and behind a finding and belongs to it
explaining     what a word beside a finding makes of it: a term, a reading
sparing        age, sex, peoples, languages: never taken
propagating    a name found once is found wherever it stands
subject        the subject's own identifiers
fields         fields that are redacted whole
messages       HL7 messages pasted into a text
tabulated      tables pasted into a text
learned/       the learned model                           data/model.bin
importing      ODS, postcode and street files as lists of a site
detecting      all of it in order                          detect(text), detect_record(texts)
backends/      other detectors beside ours
replacement/, deidentifying  stand-ins; the second look    deidentify(text)
proof/         recall, precision, bounds from samples
"""

from moiety.deid.text.context import Context
from moiety.deid.text.deidentifying import Deidentified, deidentify
from moiety.deid.text.detecting import detect, detect_record
from moiety.deid.text.known import Fingerprints
from moiety.deid.text.labels import Label
from moiety.deid.text.options import DEFAULT, BadOption, Format, Options
from moiety.deid.text.replacement.policy import BadPolicy, BirthDates, Dates, Policy, Style
from moiety.deid.text.spans import Span, resolve

__all__ = [
    "DEFAULT",
    "BadOption",
    "BadPolicy",
    "BirthDates",
    "Context",
    "Dates",
    "Deidentified",
    "Fingerprints",
    "Format",
    "Label",
    "Options",
    "Policy",
    "Span",
    "Style",
    "deidentify",
    "detect",
    "detect_record",
    "resolve",
]
