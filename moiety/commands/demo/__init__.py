"""`moiety demo`: the main job, told step by step.

story.py    the story: every step through the public interfaces, with its result
actors.py   who acts, each with keys of their own
people.py   synthetic persons: NHS numbers of the 999 test range, invented streets
records.py  synthetic compositions for the four templates beside this file
theft.py    the last steps: three databases are stolen and searched, with controls
stolen.py   what a thief of a database reads: the dump, every document inflated, ids decoded
templates/  operational templates of the project: vital signs, laboratory result, diagnosis, letter
"""
