"""A person's own identifiers, found in a text by somebody who may not know them.

Two parties normalise words alike: who knows the person (variants), and who has the text
(candidates).  Both hold one screen key and turn normal forms into tokens; a third, which has
neither the key nor the words, tells which tokens are equal.

forms.py       normal forms: letters folded, dates, numbers, streets, and one slip of the pen
candidates.py  text → spans with the forms that they may be
variants.py    what is known of a person → the forms that stand for it
plain.py       common words that are nobody's name when written small
tokens.py      normal form → token under the screen key → blinded for one question
"""
