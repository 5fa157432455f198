"""A service's settings: a frozen dataclass, read once from a mapping that is passed in.

Each field becomes `<PREFIX>_<FIELD>`.  A secret is read from the file that `<PREFIX>_<FIELD>_FILE`
names and may not stand in the environment itself, where every child process would see it.
A name with our prefix that no field asks for stops the start: a misspelt limit must not be ignored.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

T = TypeVar("T")


class SettingsError(SystemExit):
    """A setting is missing, unknown or not readable; the sentence says which."""


def secret(*, default: Any = dataclasses.MISSING) -> Any:
    """A field whose value is read from the file that `…_FILE` names."""
    if default is dataclasses.MISSING:
        return dataclasses.field(metadata={"secret": True}, repr=False)
    return dataclasses.field(default=default, metadata={"secret": True}, repr=False)


def read(kind: type[T], prefix: str, environ: Mapping[str, str]) -> T:
    """Make a `kind` from `environ`.  Raises SettingsError with one sentence."""
    hints = get_type_hints(kind)
    names = {_name(prefix, field): field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]  # T is a dataclass by contract
    unknown = sorted(n for n in environ if n.startswith(f"{prefix}_") and n not in names)
    if unknown:
        known = ", ".join(sorted(names))
        raise SettingsError(f"Unknown setting {unknown[0]}. Known settings: {known}.")
    given = {
        field.name: _value(name, environ[name], field, hints[field.name])
        for name, field in names.items()
        if name in environ
    }
    missing = [
        name
        for name, field in names.items()
        if field.name not in given
        and field.default is dataclasses.MISSING
        and field.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise SettingsError(f"The setting {missing[0]} is missing.")
    return kind(**given)


def _name(prefix: str, field: "dataclasses.Field[Any]") -> str:
    suffix = "_FILE" if field.metadata.get("secret") else ""
    return f"{prefix}_{field.name.upper()}{suffix}"


def _value(name: str, text: str, field: "dataclasses.Field[Any]", hint: Any) -> Any:
    if field.metadata.get("secret"):
        return _secret(name, Path(text))
    try:
        return _convert(text, hint)
    except ValueError:
        raise SettingsError(f"The setting {name} is not a valid {hint.__name__}.") from None


def _convert(text: str, hint: Any) -> Any:
    if hint is bool:
        if text.lower() not in {"true", "false"}:
            raise ValueError
        return text.lower() == "true"
    if hint in (int, float, Path):
        return hint(text)
    if hint == (Path | None):
        return Path(text)
    return text


def _secret(name: str, path: Path) -> str:
    try:
        text = path.read_text().strip()
    except OSError as error:
        raise SettingsError(
            f"{name} names {path}, which can't be read: {error.strerror}."
        ) from None
    if not text:
        raise SettingsError(f"{name} names {path}, which is empty.")
    return text
