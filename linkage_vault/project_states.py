"""The states of a project, the steps between them, and which permission each step needs.

draft ──submit──► review ──approve──► approved ──start──► running
  ▲  ◄──return──────┘                     ▲                 │
  │                                       └──────pause──────┘
  └──amend── review, approved, running      close: from any ──► closed ──destroy_key──► closed
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from linkage_vault.decisions import Action
from moiety.kit.errors import Conflict
from moiety.wire.projects import State, Step


@dataclass(frozen=True, slots=True)
class Rule:
    """From which states a step leads where, by which permission."""

    action: Action
    before: frozenset[State]
    after: State


_P, _R = Action.PROPOSE_PROJECT, Action.RUN_PROJECT
STEPS: Mapping[Step, Rule] = MappingProxyType(
    {
        "submit": Rule(_P, frozenset({"draft"}), "review"),
        "return": Rule(Action.REVIEW_PROJECT, frozenset({"review"}), "draft"),
        "approve": Rule(Action.REVIEW_PROJECT, frozenset({"review"}), "approved"),
        "start": Rule(_R, frozenset({"approved"}), "running"),
        "pause": Rule(_R, frozenset({"running"}), "approved"),
        "amend": Rule(_P, frozenset({"review", "approved", "running"}), "draft"),
        "close": Rule(
            Action.CLOSE_PROJECT, frozenset({"draft", "review", "approved", "running"}), "closed"
        ),
        "destroy_key": Rule(Action.DESTROY_PROJECT_KEY, frozenset({"closed"}), "closed"),
    }
)


def after(state: State, step: Step) -> State:
    """The state that a step leads to.  Raises Conflict where it does not begin in `state`."""
    rule = STEPS[step]
    if state not in rule.before:
        known = ", ".join(sorted(rule.before))
        raise Conflict(f"The step {step} begins in {known}; the project is {state}.")
    return rule.after
