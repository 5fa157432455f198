"""The own-identifier screen at a write door: ask the vault, then seal or record.

The vault answers which tokens of a document's words are its subject's; it sees neither words nor
document.  By policy the words are sealed (a placeholder in the document, the words in a box for the
vault) or their places recorded.  When the vault is away, the version is marked and screened later,
or refused.  No answer to a writer says that a word was found.
"""

import base64
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from uuid import UUID, uuid4

import httpx
import msgspec
import structlog

from clinical_api import sealing
from clinical_api.screen import Found
from clinical_api.sealing import Spot, Taken
from clinical_api.settings import Settings
from moiety.deid.identifiers import Finding
from moiety.deid.own import tokens
from moiety.kit.boxes import boxes_for
from moiety.kit.commits import Commit, Step
from moiety.kit.errors import ServiceError, Unavailable
from moiety.openehr import rm
from moiety.openehr.canonical import decode, encode
from moiety.openehr.errors import RmError
from moiety.wire import people, screening
from moiety.wire.screening import LABEL, Box, Question, Unseal, bound_of

Content = TypeVar("Content", bound=rm.Any)
Said = TypeVar("Said")
_BOX_SIZE = 1024  # a box's length tells how much was sealed to a kilobyte
_MOST = 20_000  # tokens a document; what asks for more is asked in parts
_BOXES = 100  # that the vault opens at once
UNSCREENED = "UNSCREENED"
USER = "Moiety-User"  # the header with the credential of the person on whose behalf one reads
PURPOSE = "Moiety-Purpose-Of-Use"  # HL7's code


@dataclass(frozen=True, slots=True)
class Sealed:
    """Words taken out of a version, boxed for the vault."""

    seal_id: UUID
    box: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Part:
    """Something that words were taken out of, as objects, and one of its boxes.

    `under`: where it stood in what was screened, if it was one of several.
    """

    tree: Any
    sealed: Sealed
    under: str = ""


@dataclass(frozen=True, slots=True)
class Screened:
    """A document after the screen: the text as it is stored if it changed, and what was found."""

    text: bytes | None = None
    found: tuple[Found, ...] = ()
    sealed: Sealed | None = None


class OwnWords:
    """What a process needs to ask: the vault, the screen key, and what a finding does.

    `policy`: seal or record.  `away`: later or refuse.
    """

    def __init__(
        self, client: httpx.Client, token: Callable[[str], bytes], *, policy: str, away: str
    ) -> None:
        self.client = client
        self._token = token
        self._policy = policy
        self._away = away
        self._public_key: bytes | None = None
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the connections to the vault."""
        self.client.close()

    def screen(self, ehr_id: UUID, text: bytes, *, may_seal: bool = True) -> Screened:
        """What of a document in canonical JSON is its subject's own, as a write door asks.

        Whatever keeps the vault from answering (it is away, this service's key has ended, too much
        was asked of one record) is not the writer's doing: the policy for a vault that is away
        holds.  Raises Unavailable when that is to refuse.
        """
        try:
            return self.look(ehr_id, text, may_seal=may_seal)
        except ServiceError as error:
            kind = type(error).__name__
            structlog.get_logger().warning("not screened", error_kind=kind, peer="vault")
        if self._away == "refuse":
            raise Unavailable("What is written cannot be screened now, so nothing is committed.")
        return Screened(found=(_UNSCREENED,))

    def look(self, ehr_id: UUID, text: bytes, *, may_seal: bool = True) -> Screened:
        """What of a document is its subject's own, sealed or recorded.  Raises ServiceError."""
        document = msgspec.json.decode(text)
        spots = sealing.spots(document)
        own = self.own(ehr_id, sealing.asked(spots))
        if not own:
            return Screened()
        return self._sealed(ehr_id, document, spots, own, may_seal=may_seal)

    def own(self, ehr_id: UUID, forms: Sequence[str]) -> set[str]:
        """Which of some forms are the subject's.  Raises ServiceError."""
        found: set[str] = set()
        for first in range(0, len(forms), _MOST):
            part = forms[first : first + _MOST]
            nonce = tokens.fresh_nonce()
            turned = tokens.blind(nonce, b"".join(map(self._token, part)))
            # Sorted by what a fresh nonce made of them: the order tells nothing of the document.
            blinded = sorted(zip(tokens.split(turned), part, strict=True))
            question = Question(ehr_id, nonce, b"".join(token for token, _ in blinded))
            places = screening.screen(self.client, [question])[0]
            found.update(blinded[place][1] for place in places)
        return found

    def unseal(self, ehr_id: UUID, parts: Sequence[Part], *, purpose: str, user: str) -> None:
        """Puts words back where they were taken out, for the person behind `user`.

        Raises Forbidden where the person may not, and what the vault raises.
        """
        boxes = list({str(one.sealed.seal_id): one.sealed.box for one in parts}.items())
        words: dict[str, list[Taken]] = {}
        for first in range(0, len(boxes), _BOXES):
            asked = [Box(*each) for each in boxes[first : first + _BOXES]]
            opened = screening.unseal(self.client, Unseal(ehr_id, purpose, asked), user=user)
            for box, one in zip(asked, opened, strict=True):
                words[box.seal_id] = msgspec.json.decode(one, type=list[Taken])
        for part in reversed(parts):
            taken = sealing.below(part.under, words[str(part.sealed.seal_id)])
            sealing.put_back(part.tree, taken)

    def exchanged(self, user_token: str) -> str:
        """A credential for this one question, for the token that a person showed here (RFC 8693).

        Raises Unauthenticated when the person's session is over, Forbidden where this service may
        not act for people.
        """
        return people.exchange(self.client, user_token, scope="unseal")

    def _sealed(
        self, ehr_id: UUID, document: Any, spots: Sequence[Spot], own: set[str], *, may_seal: bool
    ) -> Screened:
        taken: list[Taken] = []
        found: list[Found] = []
        for spot in spots:
            spans = sealing.seen(spot, own)
            place = spot.path
            if spans and may_seal and self._policy == "seal" and spot.kind != "fixed":
                pieces = sealing.take_out(spot, spans)
                taken += pieces
                starts = [(one.start, len(one.placeholder)) for one in pieces]
            else:
                starts = [(span.start, span.end - span.start) for span in spans]
            found += [
                Found(place, Finding(f"OWN_{span.kind}", start, length, certain=True))
                for span, (start, length) in zip(spans, starts, strict=False)
            ]
        if not taken:
            return Screened(found=tuple(found))
        return Screened(msgspec.json.encode(document), tuple(found), self._boxed(ehr_id, taken))

    def _boxed(self, ehr_id: UUID, taken: Sequence[Taken]) -> Sealed:
        seal_id = uuid4()
        boxes = boxes_for(self._key(), label=LABEL)
        bound = bound_of(ehr_id, str(seal_id))
        return Sealed(seal_id, boxes.seal(msgspec.json.encode(taken), bound, size=_BOX_SIZE))

    def _key(self) -> bytes:
        with self._lock:
            if self._public_key is None:
                self._public_key = screening.public_key(self.client)
            return self._public_key


def later(settings: Settings) -> tuple[Found, ...]:
    """The mark of a version that is committed without asking and screened afterwards."""
    return (_UNSCREENED,) if settings.vault_url and settings.screen_own != "off" else ()


def marked(commit: Commit, *found: Found) -> Commit:
    """The commit, whose record is screened later where something said beside its content was not.

    `found`: of audits and tags, which have no row that could be marked.
    """
    if all(one.finding.kind != UNSCREENED for one in found):
        return commit
    return replace(commit, steps=(*commit.steps, Step(LATER, {"ehr_id": commit.order})))


LATER = (
    "INSERT INTO screen_later (ehr_id, row_key, number) VALUES (%(ehr_id)s, 0, 0)"
    " ON CONFLICT DO NOTHING"
)
"""That a record waits, for something that is no version of it."""


def masked(
    own: OwnWords | None, ehr_id: UUID, said: Said, kind: type[Said]
) -> tuple[Said, tuple[Found, ...], Sealed | None]:
    """What is said beside a document (an audit, tags) after the screen, what was found, and what
    was sealed out of it, which whoever stores the one stores too.
    """
    if own is None:
        return said, (), None
    outcome = own.screen(ehr_id, msgspec.json.encode(said))
    if outcome.text is None:
        return said, outcome.found, None
    return msgspec.json.decode(outcome.text, type=kind), outcome.found, outcome.sealed


def kept(ehr_id: UUID, sealed: Sealed | None, *places: str) -> tuple[Step, ...]:
    """That words which were sealed out of what is said beside a document are kept, for each place
    where it stands.
    """
    if sealed is None:
        return ()
    box = {"seal_id": str(sealed.seal_id), "box": base64.b64encode(sealed.box).decode()}
    return tuple(Step(_KEEP, {"ehr_id": ehr_id, "place": place, **box}) for place in places)


def version_place(object_id: UUID, version: int) -> str:
    """The place of a version's audit."""
    return f"{object_id}::{version}"


def original_place(object_id: UUID, version: int) -> str:
    """The place of what an imported version came as."""
    return f"{object_id}::{version}/original"


def attestation_place(object_id: UUID, version: int, attestation_id: UUID) -> str:
    """The place of an attestation of a version."""
    return f"{object_id}::{version}/attestations/{attestation_id}"


_KEEP = (
    "INSERT INTO audit_words (ehr_id, place, number, seal_id, box)"
    " VALUES (%(ehr_id)s, %(place)s, 0, %(seal_id)s, %(box)s)"
)


_UNSCREENED = Found("/", Finding(UNSCREENED, 0, 0, certain=False))


def is_for_a_person(headers: Mapping[str, str]) -> bool:
    """Whether a reader says that somebody shall get the words that were sealed."""
    return USER in headers or PURPOSE in headers


def screened(
    own: OwnWords | None,
    ehr_id: UUID,
    content: Content,
    kind: type[Content],
    still_valid: Callable[[Content], bool],
) -> tuple[Content, tuple[Found, ...], Sealed | None]:
    """Content after the screen, what was found, and what was sealed out of it.

    Where the content with placeholders breaks its template or model, which is rare (a text of a
    fixed list that is also the patient's name), it is stored as it came and the finding recorded.
    """
    if own is None:
        return content, (), None
    text = encode(content)
    outcome = own.screen(ehr_id, text)
    if outcome.text is None:
        return content, outcome.found, None
    try:
        changed = decode(outcome.text, kind)
    except RmError:
        changed = None
    if changed is None or not still_valid(changed):
        return content, own.screen(ehr_id, text, may_seal=False).found, None
    return changed, outcome.found, outcome.sealed
