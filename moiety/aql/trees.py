"""A record as numbered objects: what lies inside what, and what a folder refers to."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Span = tuple[int, int]
"""Numbers from the first up to the second, which is not among them."""


class Tree:
    """Objects of a record in pre-order: number n contains those from n + 1 up to last[n] - 1.

    `root` is the number of the nearest archetype root, the object itself where it is one.
    `latest` and `former` are the spans of whole contents.
    """

    def __init__(
        self,
        ehr: Mapping[str, Any],
        contents: Sequence[Mapping[str, Any]],
        former: frozenset[int],
        walked: tuple[str, ...] | None,
    ) -> None:
        self.objects: list[Any] = [ehr]
        self.last: list[int] = [0]
        self.root: list[int] = [0]
        self.walked = walked
        self.latest: list[Span] = []
        self.former: list[Span] = []
        for place, content in enumerate(contents):
            number = len(self.objects)
            self._add_all((content,), 0)
            spans = self.former if place in former else self.latest
            spans.append((number, len(self.objects)))
        self.last[0] = len(self.objects)
        self._by_object: dict[str, list[int]] | None = None

    def _add_all(self, parts: Iterable[Any], root: int) -> None:
        """Objects among some values; JSON has no others than these two types of parts."""
        for part in parts:
            if type(part) is dict:
                number = len(self.objects)
                inner = number if "-" in part.get("archetype_node_id", "") else root
                self.objects.append(part)
                self.last.append(number)
                self.root.append(inner)
                if self.walked is None:
                    self._add_all(part.values(), inner)
                else:
                    self._add_all([part[name] for name in self.walked if name in part], inner)
                self.last[number] = len(self.objects)
            elif type(part) is list:
                self._add_all(part, root)

    def referred(self, folder: int) -> frozenset[int]:
        """The first numbers of the contents to which a folder, or one inside it, refers."""
        if self._by_object is None:
            self._by_object = {}
            for start, _ in (*self.latest, *self.former):
                self._by_object.setdefault(_object_id(self.objects[start]), []).append(start)
        asked = _references(self.objects[folder])
        return frozenset(n for name in asked for n in self._by_object.get(name, ()))


def _references(folder: Mapping[str, Any]) -> Iterator[str]:
    """The object ids of a folder's items; a folder holds its subfolders."""
    for item in folder.get("items") or ():
        yield ((item.get("id") or {}).get("value") or "").partition("::")[0]
    for inner in folder.get("folders") or ():
        yield from _references(inner)


def _object_id(content: Mapping[str, Any]) -> str:
    uid = content.get("uid") or {}
    return str(uid.get("value") or "").partition("::")[0]


@dataclass(frozen=True, slots=True)
class Scope:
    """Objects among which something is sought: those of `latest`, and for who asks for versions
    before the latest those of `former` too. `root`: at-codes are those of this object's
    archetype, which FROM names; None where any may be meant.
    """

    latest: Sequence[Span]
    former: Sequence[Span] = ()
    root: int | None = None

    @classmethod
    def of_all(cls, tree: Tree) -> "Scope":
        """The EHR itself and all its contents."""
        return cls([(0, 1), *tree.latest], tree.former)


def inside(tree: Tree, number: int, root: int | None) -> Scope:
    """What lies inside an object."""
    item = tree.objects[number]
    if number == 0:
        return Scope(tree.latest, tree.former, root)
    own = [(number + 1, tree.last[number])]
    if item.get("_type") != "FOLDER":
        return Scope(own, (), root)
    found = tree.referred(number)
    within = [(start, stop) for start, stop in tree.latest if start in found]
    before = [(start, stop) for start, stop in tree.former if start in found]
    return Scope(own + within, before, root)


STATUS = "EHR_STATUS"


def whole_ehr(found: Any) -> Any:
    """An object as a result shows it: an EHR refers to its status, though paths lead into it."""
    if not isinstance(found, Mapping) or found.get("_type") != "EHR":
        return found
    status = found.get("ehr_status")
    if not isinstance(status, Mapping) or status.get("_type") != STATUS:
        return found
    return {**found, "ehr_status": reference(str((status.get("uid") or {}).get("value", "")))}


def reference(uid: str) -> dict[str, Any]:
    """OBJECT_REF to a version of an EHR_STATUS."""
    version = {"_type": "OBJECT_VERSION_ID", "value": uid}
    return {"_type": "OBJECT_REF", "id": version, "namespace": "local", "type": STATUS}
