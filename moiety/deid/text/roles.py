"""The words before which, or behind which, a person is named; and those that make an eponym."""

from moiety.deid.text import vocabulary

TITLES = vocabulary.group("roles_titles")
"""What stands straight before a name and before nothing else."""

TITLES_TOO = vocabulary.group("roles_titles_too")
"""The same, but words of their own besides: a name must look like one behind them."""

KIN = vocabulary.group("roles_kin")
"""Relations of a patient, and friends."""

ROLES = vocabulary.group("roles_roles")
"""What a person does: a name may follow."""

BEFORE = vocabulary.group("roles_before")
"""Verbs and little words before which a name often stands."""

SURE_BEFORE = vocabulary.group("roles_sure_before")
"""Those behind which a word with a capital is a name, whatever else it means."""

AFTER = vocabulary.group("roles_after")
"""Verbs that a person is the subject of."""

TERM_HEADS = vocabulary.group("roles_term_heads")
"""Words behind an eponym: what the person of that name described or built."""

NEVER = vocabulary.group("roles_never")
"""What is no part of a name in any case of letters."""

WEAK = vocabulary.group("roles_weak")
"""Those of BEFORE behind which as many terms of medicine stand as names."""
