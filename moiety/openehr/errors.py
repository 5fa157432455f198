"""What this package refuses, and where: a path or a place, a kind, never a value.

RmError         a document that is no reference model object  → 400 at the boundary
TemplateError   an operational template that is broken, or uses what we do not read
Adl2Error       the same of a template in ADL 2, with line and column
"""


class RmError(ValueError):
    """A document is no reference model object: broken JSON, wrong class, unknown key.

    `path` leads to the place ("/content[0]/data"; "" is the root), `reason` names the kind
    of fault. Neither holds a value of the document.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path or '/'}: {reason}")
        self.path = path
        self.reason = reason


class TemplateError(ValueError):
    """An operational template is refused.

    `place` is the way to the element ("template/definition/attributes[category]"),
    `construct` the element or type at fault, `reason` a sentence without full stop.
    """

    def __init__(self, place: str, construct: str, reason: str) -> None:
        super().__init__(f"{place}: {construct}: {reason}")
        self.place = place
        self.construct = construct
        self.reason = reason


class Adl2Error(TemplateError):
    """A text is no operational template in ADL 2. `line` and `column` count from 1."""

    def __init__(self, line: int, column: int, construct: str, reason: str) -> None:
        super().__init__(f"line {line}, column {column}", construct, reason)
        self.line = line
        self.column = column
