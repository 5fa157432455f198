"""Words of which the names of streets, houses, practices and hospitals are made."""

from moiety.deid.text import vocabulary

STREETS = vocabulary.group("landscape_streets")
"""Last words of a street, the doubtful ones among them."""

SURE_STREETS = vocabulary.group("landscape_sure_streets")
"""Last words that make a street of a capitalised word without a house number."""

HOUSES = vocabulary.group("landscape_houses")
"""Last words of a house that has a name."""

UNITS = vocabulary.group("landscape_units")
"""Words before the number of a dwelling inside a building."""

LANDSCAPE = vocabulary.group("landscape_landscape")
"""Ordinary words that are common in names of places."""

OF_ADDRESSES = STREETS | HOUSES | UNITS | LANDSCAPE
"""All of these, which say nothing against an address."""

VILLAGES = vocabulary.group("landscape_villages")
"""First words of villages: `Little`, `Much`, `Nether`."""

CONNECTORS = frozenset({"of", "and", "the", "for", "upon", "in", "on", "le", "by", "under", "&"})
