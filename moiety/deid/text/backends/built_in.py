"""Our own detector, as one among others."""

from dataclasses import dataclass

from moiety.deid.text.context import Context
from moiety.deid.text.detecting import detect
from moiety.deid.text.labels import Label
from moiety.deid.text.options import DEFAULT, Options
from moiety.deid.text.spans import Span

_SURELY = frozenset({Label.EMAIL, Label.TELEPHONE})


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """Rules, lists and the learned model of `moiety.deid.text`."""

    options: Options = DEFAULT
    name: str = "built-in"

    @property
    def demanded(self) -> frozenset[str]:
        """What is switched on, of what no version may miss."""
        return frozenset(_SURELY & self.options.labels)

    def detect(self, text: str, context: Context | None = None) -> list[Span]:
        """As `moiety.deid.text.detect`."""
        return detect(text, options=self.options, context=context)
