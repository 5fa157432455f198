"""Other people's libraries, imported when a configuration names a detector that needs them."""

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from moiety.deid.text.backends.protocol import Backend, BackendMissing


def library(module: str, detector: str) -> Any:
    """The module.  Raises BackendMissing with the extra that brings it."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise BackendMissing(
            f"The detector {detector} needs the package {module.split('.', maxsplit=1)[0]}: "
            f"install moiety[{detector}], or take {detector} out of the configuration"
        ) from None


def loaded(detector: str, what: str, load: Callable[[], Any]) -> Any:
    """What `load` answers.  Raises BackendMissing where a model can't be opened."""
    try:
        return load()
    except (OSError, ValueError, RuntimeError, ImportError, SystemExit) as error:
        raise BackendMissing(
            f"The detector {detector} can't open its {what} ({type(error).__name__}): give the "
            "path of one that is on this machine; nothing is downloaded"
        ) from None


def label_map(given: Mapping[str, str] | None, default: Mapping[str, str]) -> dict[str, str]:
    """The labels of another detector → ours, in lower case; a given map replaces the default."""
    return {kind.casefold(): label for kind, label in (given or default).items()}


def open_backend(kind: str, settings: Mapping[str, Any]) -> Backend:
    """The detector that a configuration names.

    Raises BackendMissing where its library or model is not there, or a setting is not one of its.
    """
    if kind not in KINDS:
        raise BackendMissing(f"There is no detector {kind}: write one of {', '.join(KINDS)}")
    module = importlib.import_module(f"moiety.deid.text.backends.{kind}")
    backend: Backend = module.opened(**settings)
    return backend


KINDS = ("presidio", "medcat", "gliner", "huggingface", "onnx")
"""The detectors of other people that have an adapter here."""

SETTINGS: Mapping[str, Mapping[str, type]] = {
    "presidio": {"spacy_model": str, "threshold": float, "labels": dict},
    "medcat": {"model": str, "labels": dict},
    "gliner": {"model": str, "threshold": float, "labels": dict},
    "huggingface": {"model": str, "threshold": float, "labels": dict},
    "onnx": {"model": str, "threshold": float, "labels": dict},
}
"""What each may be told; `model` is the path of a folder or file on this machine."""
