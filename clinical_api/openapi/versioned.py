"""The operations of a versioned object, which every kind has alike."""

from clinical_api.openapi.parts import IN_CANONICAL, READ, Operation, answer, operation, resource

_VERSION = answer("The version, with its audit and content.", resource("VERSION"), *READ)


def versioned(path: str, kind: str, what: str, *, scope: str) -> tuple[Operation, ...]:
    """Those under `path` of VERSIONED_<kind>; `what` is what summaries call the object."""
    name = f"versioned_{kind.lower()}"
    return (
        operation(
            "get", path, f"{name}_get", f"Read VERSIONED_{kind}",
            scope=scope, parameters=IN_CANONICAL,
            answers={200: answer("The versioned object.", resource("VERSIONED_OBJECT"), "ETag")},
        ),
        operation(
            "get", f"{path}/revision_history", f"{name}_revision_history",
            f"Read the history of {what}",
            scope=scope, parameters=IN_CANONICAL,
            answers={200: answer("Every version, the oldest first.", resource("REVISION_HISTORY"))},
        ),
        operation(
            "get", f"{path}/version", f"{name}_version_get_at_time",
            f"Read a VERSION of {what} as of a time",
            scope=scope, parameters=["version_at_time", *IN_CANONICAL], answers={200: _VERSION},
        ),
        operation(
            "get", f"{path}/version/{{version_uid}}", f"{name}_version_get_by_id",
            f"Read a VERSION of {what}",
            scope=scope, parameters=IN_CANONICAL, answers={200: _VERSION},
        ),
    )  # fmt: skip
