"""Change types and lifecycle states (openEHR support terminology, groups "audit change type" and
"version lifecycle state"): code and rubric.
"""

import enum


class ChangeType(enum.IntEnum):
    """Why a version came to be."""

    CREATION = 249
    AMENDMENT = 250
    MODIFICATION = 251
    UNKNOWN = 253
    DELETED = 523

    @property
    def rubric(self) -> str:
        """The term in English."""
        return self.name.lower()


class Lifecycle(enum.IntEnum):
    """The state of a version's content."""

    COMPLETE = 532
    INCOMPLETE = 553
    DELETED = 523

    @property
    def rubric(self) -> str:
        """The term in English."""
        return self.name.lower()
