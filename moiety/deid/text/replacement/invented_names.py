"""Names of nobody: put together from syllables, so that they lean to no sex and no country.

A name that exists may come out by chance, as any two syllables may; none was taken from a list of
people.  Forenames and surnames come from the same store: a word of a name gets the same stand-in
wherever it stands, alone, before or after a comma.
"""

BEGINNINGS = (
    "Ab", "Al", "Am", "An", "Ar", "As", "Av", "Ba", "Be", "Bo", "Bra", "Bri", "Ca", "Ce", "Cla",
    "Co", "Cre", "Da", "De", "Do", "Dra", "Ed", "El", "Em", "En", "Es", "Fa", "Fe", "Fi", "Fo",
    "Ga", "Ge", "Gla", "Gra", "Ha", "He", "Ho", "Il", "In", "Is", "Ja", "Jo", "Ka", "Ke", "Ki",
    "La", "Le", "Li", "Lo", "Ma", "Me", "Mi", "Mo", "Na", "Ne", "No", "Ol", "Or", "Os", "Pa",
    "Pe", "Pra", "Qua", "Ra", "Re", "Ri", "Ro", "Sa", "Se", "So", "Ta", "Te", "To", "Tre", "Ul",
    "Va", "Ve", "Vi", "Wa", "We", "Wi", "Ya", "Ye", "Yo", "Za", "Ze", "Zo",
)  # fmt: skip
ENDINGS = (
    "bar", "bel", "bin", "bry", "cor", "dan", "del", "den", "dor", "dra", "fen", "fin", "gal",
    "gan", "ger", "kel", "ken", "kin", "kor", "lan", "len", "lin", "lor", "mar", "men", "min",
    "mor", "nar", "nel", "nor", "ran", "rel", "ren", "rin", "sel", "sen", "sor", "tam", "tar",
    "tel", "ten", "tin", "tor", "van", "vel", "ven", "vin", "vor", "wen", "win", "yan", "zel",
)  # fmt: skip
