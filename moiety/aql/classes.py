"""Classes that FROM may name, and which classes an abstract one stands for (RM release 1.1.0)."""

from functools import cache
from typing import Final

_ABOVE: Final = {
    "LOCATABLE": "COMPOSITION CONTENT_ITEM ACTIVITY DATA_STRUCTURE EVENT ITEM EHR_STATUS FOLDER",
    "CONTENT_ITEM": "SECTION ENTRY GENERIC_ENTRY",
    "ENTRY": "CARE_ENTRY ADMIN_ENTRY",
    "CARE_ENTRY": "OBSERVATION EVALUATION INSTRUCTION ACTION",
    "DATA_STRUCTURE": "ITEM_STRUCTURE HISTORY",
    "ITEM_STRUCTURE": "ITEM_TREE ITEM_LIST ITEM_TABLE ITEM_SINGLE",
    "EVENT": "POINT_EVENT INTERVAL_EVENT",
    "ITEM": "CLUSTER ELEMENT",
    "PATHABLE": "LOCATABLE EVENT_CONTEXT INSTRUCTION_DETAILS ISM_TRANSITION",
    "VERSION": "ORIGINAL_VERSION IMPORTED_VERSION",
}
_ALONE: Final = ("EHR", "FEEDER_AUDIT", "FEEDER_AUDIT_DETAILS")


@cache
def concrete(rm_type: str) -> frozenset[str]:
    """The classes whose objects a class name means; empty for a name that is no class."""
    if rm_type not in _ABOVE:
        return frozenset({rm_type} & CLASSES)
    return frozenset().union(*(concrete(below) for below in _ABOVE[rm_type].split()))


CLASSES: Final = frozenset(
    {*_ALONE, *_ABOVE, *(name for names in _ABOVE.values() for name in names.split())}
)
"""Every name that may stand in FROM: objects that other classes contain, data values apart."""
