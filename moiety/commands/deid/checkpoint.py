"""A file that appears when it is whole, and how far it was when the program died.

Beside OUT stand, until it is whole, OUT.part, OUT.withheld.part and OUT.state.  What OUT.state
counts is surely on the disk: the parts are synchronised before it is put in place.  A new run with
the same settings over the same input cuts the parts to what it counts and goes on from there.
"""

import hashlib
import json
import os
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

_EDGE = 4096
_EVERY_SECONDS = 1.0


@dataclass
class State:
    """How far a run is: of the input, in octets and items; of the parts, in octets."""

    settings: str
    offset: int = 0
    number: int = 0
    written: int = 0
    withheld: int = 0
    edges: str = ""
    counts: Counter[str] = field(default_factory=Counter)


@dataclass
class Output:
    """The parts of one output file.  `restored` says where the run goes on."""

    out: Path
    source: Path | None
    state: State
    _part: IO[bytes]
    _withheld: IO[bytes]
    _told: float = 0.0

    @classmethod
    def open(cls, out: Path, source: Path | None, settings: str, *, restart: bool) -> "Output":
        """Go on with the parts of an earlier run where they fit, or begin anew.

        Without a source that can be read twice there is nothing to go on with.
        """
        state = None if restart or source is None else _found(out, source, settings)
        mode = "r+b" if state else "wb"
        state = state or State(settings)
        part, withheld = _beside(out, ".part").open(mode), _beside(out, ".withheld.part").open(mode)
        for file, size in ((part, state.written), (withheld, state.withheld)):
            file.truncate(size)
            file.seek(size)
        return cls(out, source, state, part, withheld)

    def write(self, line: bytes, withheld: bytes) -> None:
        """Add to the parts."""
        self._part.write(line)
        self._withheld.write(withheld)

    def advance(self, offset: int, number: int, *, force: bool = False) -> None:
        """Note that the input is dealt with to here; tells the disk once a second."""
        self.state.offset, self.state.number = offset, number
        if force or time.monotonic() - self._told > _EVERY_SECONDS:
            self._tell()

    def finish(self) -> None:
        """Put the whole files in place and take the state away."""
        self._tell()
        self._part.close()
        self._withheld.close()
        os.replace(_beside(self.out, ".part"), self.out)  # noqa: PTH105 - one call, atomic
        beside = _beside(self.out, ".withheld.part")
        if self.state.withheld:
            beside.replace(withheld_file(self.out))
        else:
            beside.unlink()
            withheld_file(self.out).unlink(missing_ok=True)
        _beside(self.out, ".state").unlink(missing_ok=True)

    def close(self) -> None:
        """Leave the parts for the next run; take them away where nothing was done."""
        if self._part.closed:
            return
        self._tell()
        self._part.close()
        self._withheld.close()
        if not self.state.number:
            for ending in (".part", ".withheld.part", ".state"):
                _beside(self.out, ending).unlink(missing_ok=True)

    def _tell(self) -> None:
        for file in (self._part, self._withheld):
            file.flush()
            os.fsync(file.fileno())
        self.state.written, self.state.withheld = self._part.tell(), self._withheld.tell()
        if self.source is None:
            return
        self.state.edges = _edges(self.source, self.state.offset)
        new = _beside(self.out, ".state.new")
        with new.open("w") as told:
            json.dump(vars(self.state), told)
            told.flush()
            os.fsync(told.fileno())
        new.replace(_beside(self.out, ".state"))
        self._told = time.monotonic()


def withheld_file(out: Path) -> Path:
    """Where what was withheld is listed."""
    return _beside(out, ".withheld.jsonl")


def _beside(out: Path, ending: str) -> Path:
    return out.with_name(out.name + ending)


def _found(out: Path, source: Path, settings: str) -> State | None:
    """The state of an earlier run, where it fits these settings, this input and the parts."""
    try:
        read = json.loads(_beside(out, ".state").read_bytes())
        state = State(**(read | {"counts": Counter(read["counts"])}))
        sizes = [_beside(out, ending).stat().st_size for ending in (".part", ".withheld.part")]
        fits = (
            state.settings == settings
            and sizes[0] >= state.written
            and sizes[1] >= state.withheld
            and source.stat().st_size >= state.offset
            and state.edges == _edges(source, state.offset)
        )
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return state if fits else None


def _edges(source: Path, offset: int) -> str:
    """A digest of the input's beginning, and of what stands before the offset."""
    with source.open("rb") as file:
        begin = file.read(min(_EDGE, offset))
        file.seek(max(0, offset - _EDGE))
        end = file.read(min(_EDGE, offset))
    return hashlib.sha256(begin + b"\0" + end).hexdigest()
