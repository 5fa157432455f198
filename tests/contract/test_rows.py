"""Every operation of the openEHR REST API that the service has is shown by a contract test."""

import ast
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SPECIFICATION = HERE.parents[2] / "shared/data/spec/its-rest/specifications"


def shown():
    """The operation ids that tests are marked with."""
    found = set()
    for file in HERE.glob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.row":
                found |= {one.value for one in node.args}
    return found


def served():
    """(operation id, method, path) of every route of the clinical service that names its id."""
    from clinical_api.app import create_app
    from clinical_api.settings import Settings

    paths = create_app(Settings(database_url="postgresql://nowhere")).openapi()["paths"]
    return [
        (about["operationId"], method, path.removeprefix("/openehr/v1"))
        for path, methods in paths.items()
        for method, about in methods.items()
        if path.startswith("/openehr/v1/ehr")
    ]


def test_every_operation_under_an_ehr_is_shown_by_a_test():
    """By its operation id."""
    assert set() == {operation for operation, _, _ in served()} - shown()


@pytest.mark.skipif(not SPECIFICATION.is_dir(), reason="no shared specification here")
def test_the_operations_are_those_of_the_specification():
    """Method and path of each, as the OpenAPI file of the EHR API names them."""
    import re

    import yaml

    document = yaml.safe_load((SPECIFICATION / "ehr.openapi.yaml").read_text())
    wanted = {}
    for path, methods in document["paths"].items():
        for method, about in methods.items():
            if isinstance(about, dict) and "$ref" in about:
                about = yaml.safe_load((SPECIFICATION / about["$ref"]).read_text())  # noqa: PLW2901  as read
            if method in {"get", "post", "put", "delete"}:
                plain = re.sub(r"\{[^}]*\}", "{}", path.partition("{?")[0])
                wanted[about["operationId"]] = (method, plain)
    ours = {
        operation: (method, re.sub(r"\{[^}]*\}", "{}", path))
        for operation, method, path in served()
    }
    common = {name for name in wanted if "tags" not in name}
    assert len(common) == 26
    assert {name: wanted[name] for name in common} == {name: ours.get(name) for name in common}
