"""What people write in haste: small initials, by-names, feasts, old days, houses before a street.

Each line is of the project's own; what stands between « and » is found, and nothing else is.
"""

import pytest

from moiety.deid.text import Options, detect

INITIALS = [
    "Body map signed «e.o.», filed",
    "Participant 7, initials «D-N» / female",
    "Then «MvR» wrote of the list",
    "Try the office any day after two.\n«G» x",
    "ok\n09:31 «KJ»: thanks\n10:05 «PA» (CNS): no worries",
    "Dressing left intact, wife will phone. «qv»",
    "Chest clear, sats fine, rv in clinic. «lwd»",
    "Casts off, can drive again. Closed «vk» «12/3»",
    "Minutes typed «bqn» from a poor tape",
    "Stitches dry and clean. «dk» «1/8/24»",
    "Sore throat settled, home. «bt»/«cw»",
    "Told not to drive until «16/5» «pmq».",
    "Wife phoned about lifts. «jv» rang back",
]
NAMES = [
    "read by a radiologist, «De Waal». No fracture",
    "that is «s e f t o n», S B A R done, a b c d e clear",
    "referred by dr «eamonn diver», thank you",
    "«Big Trev» carried the shopping in",
    "Delivery of «Baby Girl Adeyemi» at noon",
    '«Delroy» "«Biscuit»" «Ashworth» came along',
    "his dad «Kieran Snr» has the keys",
    "Room six: «Osian P», walks with a frame",
    "present: «Sue H» (minutes)",
    "Referred by «Roisin Mac an tSaoir» today",
    "Seen by Dr «Rosaline Quant-Hurst» today",
]
DATES = [
    "Symptoms since «Ash Wednesday»",
    "Fell on «Boxing Day», again on «Easter Monday 2021»",
    "Thank you for your letter of «the 4th inst».",
    "She died on «the 2nd of last month»",
    "Session twelve was «15.iii»",
    "dated «the 7th day of May 2024»",
    "No better since «Diwali»",
]
PLACES = [
    "She is at «The Gannets, 9 Haven Ridge» for now",
    "Lives at «Toll Cottage, Bewdley Road»",
    "moved to the flat («14 raploch rd») and likes it",
    "post to «bsmt, 9 Picton St», thanks",
]
ORGANISATIONS = [
    "GP «Kearsley Med Ctr»",
    "reg w «the sedbergh med practice»",
    "Ask «Wolds View Primary Care»",
    "Taught at «Ninewells Hospital & Medical School»",
    "Discharged from «Leeds Treatment Centre»",
    "Care passes to «Belfast Trust» on discharge",
    "Operated at «Stepping Hill», home since",
    "Opinion from «Belfast City», then home",
    "Back to «the RIE» ED if worse",
]
NUMBERS = [
    "Ta (bookings, «6644»)",
    "Hosp «NM0388210» seen",
    "pot sent, «25/000771», result due",
    "Family ref «FAM-30551/II:3»  consented",
    "unit «700 118 26 k»",
    "Alert on both, nos. «3381» and «7702».",
    "student no. «500 417 712»",
    "EMIS «20944» checked",
    "UNIT «RBC-0133»",
    "histology «NH 22 11803», no dysplasia",
    "ring her on «00 61 8 5550 1904» if worse",
    "her voicemail is «63115»",
]
LEFT = [
    "Plan: fluids, bloods and cxr. prn",
    "Continue for six weeks. tds",
    "She may day dream, no smoking today",
    "The Eye Clinic was busy",
    "Big toe amputated, wee dram at night",
    "Hip Surgery went well",
    "Given 3/7 of antibiotics, pain 4/10",
    "the twelfth nerve is intact",
    "Vitamin D. Hepatitis B, grade C",
    "stage iii disease, ratio 1.ii",
    "Unit 7 of the course, case 2 of 9",
    "MRI of the head was normal",
    "Insulin pen exp 03/25, kit exp 04/26",
    "Given Nifedipine and Thiamine at night",
    "PLT 123000, HCG 45000, CK 12000",
]


@pytest.mark.parametrize("line", INITIALS + NAMES + DATES + PLACES + ORGANISATIONS + NUMBERS + LEFT)
def test_what_is_found_and_what_stays(line):
    text = line.replace("«", "").replace("»", "")
    wanted = [part.partition("»")[0] for part in line.split("«")[1:]]
    spans = detect(text, options=Options(model=False))
    assert wanted == [text[one.start : one.end] for one in spans]
