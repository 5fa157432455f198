"""What a query asks of terminologies, told before it runs: the answers are values of the query.

Groups of openEHR's own terminology are known here (`TERMINOLOGY('expand', 'openehr', 'setting')`);
everything else is asked of the terminology server, if there is one.
"""

from dataclasses import replace

from anyio.to_thread import run_sync

from clinical_api.queries import Query
from clinical_api.value_sets import ValueSets
from moiety.aql import AqlError, Aside, asides
from moiety.kit.errors import NotSupported, Unprocessable
from moiety.openehr.terminology import GROUPS
from moiety.wire import terminology

OWN = "openehr"


async def with_answers(query: Query, value_sets: ValueSets | None) -> Query:
    """The query with what terminologies say among its parameters.

    Raises NotSupported without a terminology server, Unprocessable for what can't be asked,
    Unavailable where the server does not answer.
    """
    try:
        asked = asides(query.text)
    except AqlError:
        return query  # compiling it tells why
    if not asked:
        return query
    told = {aside.name: await run_sync(_answer, aside, value_sets) for aside in asked}
    return replace(query, parameters={**query.parameters, **told})


def _answer(aside: Aside, value_sets: ValueSets | None) -> list[str] | str | bool:
    if aside.service.lower() == OWN:
        return _own(aside)
    if value_sets is None:
        raise NotSupported(
            "The query asks a terminology, and this service has no terminology server"
            " (MOIETY_CLINICAL_TERMINOLOGY_URL)."
        )
    if not aside.service:
        return terminology.expand_uri(value_sets.server, aside.parameters)
    found = terminology.ask(
        value_sets.server, aside.operation, aside.service, aside.parameters
    )  # fmt: skip
    # A look-up tells one text, which stands where a value does.
    return found[0] if aside.operation.lower() == "lookup" and isinstance(found, list) else found


def _own(aside: Aside) -> list[str]:
    group = GROUPS.get(aside.parameters.replace("_", " ").strip().lower())
    if aside.operation.lower() != "expand" or group is None:
        raise Unprocessable(
            f"The terminology openehr is asked to `expand` one of its groups: {', '.join(GROUPS)}."
        )
    return sorted(group)
