"""Parties, their identities, contacts, roles and relationships (RM 1.1.0, demographic)."""

from typing import ClassVar, TypeAlias

from moiety.openehr.rm.data_types import DvInterval, Text
from moiety.openehr.rm.structures import ItemStructure, Locatable
from moiety.openehr.rm.support import LocatableRef, PartyRef


class PartyIdentity(Locatable):
    """A name of a party; its `name` tells the purpose ("legal name")."""

    required: ClassVar[tuple[str, ...]] = ("details",)
    details: ItemStructure | None = None


class Address(Locatable):
    """One way to reach a party; its `name` tells the type of address."""

    required: ClassVar[tuple[str, ...]] = ("details",)
    details: ItemStructure | None = None


class Contact(Locatable):
    """Ways to reach a party; its `name` tells the purpose."""

    time_validity: DvInterval | None = None
    addresses: list[Address] | None = None


class PartyRelationship(Locatable):
    """What one party is to another; its `name` tells the type of relationship."""

    required: ClassVar[tuple[str, ...]] = ("source", "target")
    source: PartyRef | None = None
    target: PartyRef | None = None
    details: ItemStructure | None = None
    time_validity: DvInterval | None = None


class Capability(Locatable):
    required: ClassVar[tuple[str, ...]] = ("credentials",)
    credentials: ItemStructure | None = None
    time_validity: DvInterval | None = None


class Party(Locatable):
    """PARTY (abstract). Its `uid` is demanded: what else could a reference lead to?"""

    required: ClassVar[tuple[str, ...]] = ("uid", "identities")
    identities: list[PartyIdentity] | None = None
    contacts: list[Contact] | None = None
    details: ItemStructure | None = None
    relationships: list[PartyRelationship] | None = None
    reverse_relationships: list[LocatableRef] | None = None


class Actor(Party):
    """ACTOR (abstract)."""

    languages: list[Text] | None = None
    roles: list[PartyRef] | None = None


class Person(Actor): ...


class Organisation(Actor): ...


class Group(Actor): ...


class Agent(Actor): ...


class Role(Party):
    required: ClassVar[tuple[str, ...]] = ("performer",)
    performer: PartyRef | None = None
    capabilities: list[Capability] | None = None
    time_validity: DvInterval | None = None


AnyActor: TypeAlias = Person | Organisation | Group | Agent
PartyRecord: TypeAlias = Person | Organisation | Group | Agent | Role
"""What a demographic service keeps under change control (AnyParty is a PARTY_PROXY)."""
