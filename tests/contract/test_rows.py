"""Every operation of the openEHR REST API and every promise beyond it is shown by a test."""

from tests import conformance_page


def served():
    """(operation id, method, path) of every operation of the openEHR REST API that is served."""
    from clinical_api.openapi.document import BASE, whole

    return [
        (about["operationId"], method, path.removeprefix(BASE))
        for path, methods in whole()["paths"].items()
        for method, about in methods.items()
        if path.startswith(BASE)
    ]


def test_every_operation_is_shown_by_a_test():
    """By its operation id; what routes there are, test_openapi.py compares."""
    rows = conformance_page.marks()["row"]
    operations = {operation for operation, _, _ in served()}
    assert set() == operations - set(rows)
    assert set() == set(rows) - operations


def test_every_promise_is_shown_by_a_test():
    """By its id in behaviours.toml, and no test shows what is not promised."""
    promised = {name for some in conformance_page.promises().values() for name in some}
    assert promised == set(conformance_page.marks()["behaviour"])


def test_the_page_names_every_operation_promise_and_test():
    """docs/conformance.md: how the tests went may be of another day."""
    written = conformance_page.without_results(conformance_page.PAGE.read_text())
    assert conformance_page.without_results(conformance_page.page({})) == written
    assert "| fail |" not in conformance_page.PAGE.read_text()
