"""Change types and lifecycle states (openEHR support terminology, groups "audit change type" and
"version lifecycle state"): code and rubric.
"""

import enum

from moiety.openehr import rm


class _Coded(enum.IntEnum):
    @property
    def rubric(self) -> str:
        """The term in English."""
        return self.name.lower().replace("_", " ")

    @property
    def coded(self) -> rm.DvCodedText:
        """The term as the model writes it."""
        terminology = rm.TerminologyId(value="openehr")
        code = rm.CodePhrase(terminology_id=terminology, code_string=str(int(self)))
        return rm.DvCodedText(value=self.rubric, defining_code=code)


class ChangeType(_Coded):
    """Why a version came to be."""

    CREATION = 249
    AMENDMENT = 250
    MODIFICATION = 251
    SYNTHESIS = 252
    UNKNOWN = 253
    DELETED = 523
    ATTESTATION = 666
    RESTORATION = 816
    FORMAT_CONVERSION = 817


class Lifecycle(_Coded):
    """The state of a version's content."""

    COMPLETE = 532
    INCOMPLETE = 553
    DELETED = 523
    INACTIVE = 800
    ABANDONED = 801


SUCCEEDING = frozenset(
    {
        ChangeType.AMENDMENT,
        ChangeType.MODIFICATION,
        ChangeType.SYNTHESIS,
        ChangeType.UNKNOWN,
        ChangeType.FORMAT_CONVERSION,
    }
)
"""The changes that put a version with content after the latest one."""


def find_change(term: str) -> ChangeType | None:
    """The change type of a code or a rubric."""
    return next((one for one in ChangeType if term in {str(int(one)), one.rubric}), None)


def find_lifecycle(term: str) -> Lifecycle | None:
    """The lifecycle state of a code or a rubric."""
    return next((one for one in Lifecycle if term in {str(int(one)), one.rubric}), None)
