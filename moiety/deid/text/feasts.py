"""Days that have a name: `Boxing Day`, `Ash Wednesday 2022`, `St Patrick's Day`, `since Diwali`.

A name that says a day is a date wherever it stands, with a year or without; a season (`Easter`,
`Ramadan`) is one behind a word that dates follow.
"""

import re
from collections.abc import Iterator

from moiety.deid.text.cues import Places, at, before, ends_with

_YEAR = r"(?:,? (?:of )?(?:19|20)\d\d(?!\d))?"
_EVES = r"(?:(?:the )?(?:eve of|morning of|night of|day after|day before|last|next) )?"
_DAYS = (
    r"(?:christmas|xmas) (?:day|eve)|(?:[a-z]{4,7} (?:night|day) of )(?:pesach|passover|hanukkah|diwali|sukkot|eid|ramadan)|boxing day|new year'?s(?: day| eve)|hogmanay|burns'? night|twelfth night|good fri(?:day)?"
    r"|maundy thurs?(?:day)?|(?:shrove|easter|pancake) tues?(?:day)?|pancake day|ash wed(?:s|nesday)?|palm sun(?:day)?|holy sat(?:urday)?|lady day|the ides of march"
    r"|easter (?:sun|mon|sat(?:ur)?)(?:day)?|whit (?:sunday|monday|sun|mon|weekend|week)|easter (?:weekend|week)|glasgow fair|trades week|wakes week|(?:mothering|remembrance|trinity|advent) sun(?:day)?"
    r"|mother'?s'? day|father'?s'? day|valentine'?s day|armistice day|remembrance day|(?-i:May Day)|midsummer(?:'s day| day| eve)"
    r"|ascension day|corpus christi|all (?:souls|saints|hallows)'? ?(?:day|eve)|epiphany|candlemas|michaelmas(?: day)?"
    r"|lammas(?: day)?|martinmas|halloween|hallowe'en|samhain|bonfire night|guy fawkes(?:'? night)?|st\.? [a-z]{3,12}'?s'? day"
    r"|saint [a-z]{3,12}'?s'? day|the glorious twelfth|(?:the )?(?:late |early )?(?:may|august|spring|summer) bank (?:holiday|hol)"
    r"(?: monday| weekend)?|bank (?:holiday|hol) (?:monday|weekend)|eid(?: al[ -](?:fitr|adha))|yom kippur|rosh hashan[ai]h?"
    r"|simchat torah|purim|vaisakhi|holi|navaratri|dussehra|wesak|nowruz|(?:chinese|lunar) new year(?:'s (?:day|eve))?"
    r"|bon[ -]fire night|no smoking day|world [a-z]{3,12} day|boat race day|grand national day|cup final day|derby day"
)
_DAY = re.compile(rf"(?<![\w-]){_EVES}(?:{_DAYS}){_YEAR}(?![a-z-])", re.IGNORECASE)
_SEASON = re.compile(
    rf"(?<![a-z])(?:christmas|xmas|new year(?:'?s)?|easter|diwali|eid|ramadan|hannukah|hanukkah|passover|pesach|whitsun"
    rf"|advent|lent|hogmanay|(?:feb|february|may|june|oct|october|spring|autumn|summer)? ?half[ -]term"
    rf"|bank (?:holiday|hol)(?: monday)?){_YEAR}(?![a-z])",
    re.IGNORECASE,
)
_DAY_FIRSTS = (
    "christmas", "xmas", "first", "second", "third", "last", "glasgow", "trades", "wakes", "boxing", "new", "hogmanay", "burns", "burns'", "twelfth", "good", "maundy", "shrove", "easter", "pancake",
    "ash", "palm", "lady", "holy", "whit", "mothering", "remembrance", "trinity", "advent", "mother", "mothers", "father", "fathers",
    "valentine", "valentines", "armistice", "may", "midsummer", "ascension", "corpus", "all", "epiphany", "candlemas", "michaelmas",
    "lammas", "martinmas", "halloween", "hallowe'en", "samhain", "bonfire", "guy", "st", "saint", "the", "late", "early", "august",
    "spring", "summer", "bank", "eid", "yom", "rosh", "simchat", "purim", "vaisakhi", "holi", "navaratri", "dussehra", "wesak",
    "nowruz", "chinese", "lunar", "bon", "no", "world", "boat", "grand", "cup", "derby", "eve", "morning", "night", "day",
    "next",
)  # fmt: skip
_SEASON_FIRSTS = ("christmas", "xmas", "new", "easter", "diwali", "eid", "ramadan", "hannukah", "hanukkah", "passover", "pesach",
                  "whitsun", "june", "advent", "lent", "hogmanay", "bank", "feb", "february", "may", "oct", "october", "spring",
                  "autumn", "summer", "half")  # fmt: skip
_BEFORE_SEASONS = frozenset(
    {"since", "until", "till", "before", "after", "at", "over", "stopped", "started", "by", "around", "last",
     "seen", "from", "post", "pre", "next", "til", "during"}
)  # fmt: skip


def find(text: str, places: Places) -> Iterator[tuple[int, int, float, str]]:
    """Start, end, score and rule of each."""
    for match in at(_DAY, text, places.of(_DAY_FIRSTS)):
        yield *match.span(), 0.6, "feast"
    for match in at(_SEASON, text, places.of(_SEASON_FIRSTS)):
        if ends_with(before(text, match.start(), " "), _BEFORE_SEASONS):
            yield *match.span(), 0.5, "feast after a cue"
