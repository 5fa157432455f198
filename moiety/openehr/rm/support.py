"""Identifiers and references (BASE 1.2.0, base_types.identification)."""

from typing import ClassVar, TypeAlias

from moiety.openehr.rm.base import Any


class ObjectId(Any):
    """OBJECT_ID (abstract)."""

    required: ClassVar[tuple[str, ...]] = ("value",)
    value: str | None = None


class TerminologyId(ObjectId): ...


class ArchetypeId(ObjectId): ...


class TemplateId(ObjectId): ...


class HierObjectId(ObjectId): ...


class ObjectVersionId(ObjectId): ...


class GenericId(ObjectId):
    required: ClassVar[tuple[str, ...]] = ("scheme",)
    scheme: str | None = None


UidBasedId: TypeAlias = HierObjectId | ObjectVersionId
AnyObjectId: TypeAlias = (
    HierObjectId | ObjectVersionId | GenericId | TerminologyId | ArchetypeId | TemplateId
)


class ObjectRef(Any):
    required: ClassVar[tuple[str, ...]] = ("id", "namespace", "type")
    namespace: str | None = None
    type: str | None = None
    id: AnyObjectId | None = None


class PartyRef(ObjectRef): ...


class AccessGroupRef(ObjectRef): ...


class LocatableRef(ObjectRef):
    path: str | None = None


AnyObjectRef: TypeAlias = ObjectRef | PartyRef | AccessGroupRef | LocatableRef
