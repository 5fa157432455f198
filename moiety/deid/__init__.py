"""Finding and replacing what identifies a person.  No I/O; importable alone.

national_numbers.py  check digits and shapes of the numbers that the nations of the UK give people
identifiers.py       the rules that need no list: numbers, e-mail, telephone, postcode with a house
pseudonyms.py        ids of a project in place of ids: a keyed permutation, and the shift of dates
text/                what identifies somebody in clinical free text, found with its offsets
"""
