"""Requests that can be sent as they stand, once the demo's templates are uploaded.

The files beside this one: a composition of the template `moiety_problem_diagnosis.v1` in each
format, a status, a folder, a contribution, and two small templates.
"""

import json
from importlib.resources import files
from typing import Any

Example = Any
_HERE = files(__package__ or "clinical_api.openapi.examples")


def text(name: str) -> str:
    """The text of a file."""
    return (_HERE / name).read_text(encoding="utf-8")


def record(name: str) -> Example:
    """The JSON of a file."""
    return json.loads(text(f"{name}.json"))
