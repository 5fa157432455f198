"""The policy: files of Cedar beside this module, read and checked once.

Cedar denies by default, and `forbid` wins over `permit`.  The answer to a question depends on the
question alone (roles, action and facts), so answers of one policy are remembered: whatever can
change, a grant or a care relationship, is a fact of the question.
"""

import hashlib
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import cedarpy

SCHEMA = "schema.cedarschema"


class BadPolicy(ValueError):
    """The policy files do not fit their schema; the message says where."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a decision looks at besides roles and action; policies/schema.cedarschema says what."""

    purpose: str = ""
    basis: str = ""
    person: bool = False
    care: bool = False
    grant: bool = False
    approved: bool = False
    broken: bool = False
    bulk: bool = False
    project: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """Parsed policies and schema, and a version that is a hash of their text."""

    policies: cedarpy.PolicySet
    schema: cedarpy.Schema
    version: str


@cache
def current() -> Policy:
    """The policy of the installed files.  Raises BadPolicy."""
    return read(
        {
            one.name: one.read_text("utf-8")
            for one in files(__package__).joinpath("policies").iterdir()
        }
    )


def read(texts: dict[str, str]) -> Policy:
    """A policy of texts by file name, the schema among them.  Raises BadPolicy."""
    schema = texts[SCHEMA]
    text = "\n".join(texts[name] for name in sorted(texts) if name.endswith(".cedar"))
    checked = cedarpy.validate_policies(text, schema)
    if not checked.validation_passed:
        raise BadPolicy(str(checked.errors[0].error))
    version = hashlib.sha256(f"{schema}\0{text}".encode()).hexdigest()[:16]
    return Policy(cedarpy.PolicySet.from_str(text), cedarpy.Schema.from_str(schema), version)


@lru_cache(maxsize=8192)
def permits(roles: frozenset[str], action: str, facts: Facts) -> bool:
    """Whether the policy allows it.  An error in the evaluation is a refusal."""
    return ask(current(), roles, action, facts)


def ask(policy: Policy, roles: frozenset[str], action: str, facts: Facts) -> bool:
    """One evaluation, not remembered."""
    answer = cedarpy.is_authorized(
        request(action, facts), policy.policies, entities(roles), policy.schema
    )
    return bool(answer.allowed) and not answer.diagnostics.errors


def request(action: str, facts: Facts) -> dict[str, Any]:
    """A question as Cedar takes it."""
    return {
        "principal": 'User::"requester"',
        "action": f'Action::"{action}"',
        "resource": 'Vault::"vault"',
        "context": asdict(facts),
    }


@cache
def entities(roles: frozenset[str]) -> list[dict[str, Any]]:
    """Somebody with these roles, as Cedar takes it."""
    parents: list[dict[str, Any]] = [{"type": "Role", "id": role} for role in sorted(roles)]
    user: dict[str, Any] = {
        "uid": {"type": "User", "id": "requester"},
        "attrs": {},
        "parents": parents,
    }
    return [user, *({"uid": parent, "attrs": {}, "parents": []} for parent in parents)]
