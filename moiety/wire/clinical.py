"""What the vault asks of clinical_api: a fresh EHR of nobody, for its pool."""

from uuid import UUID

import httpx

from moiety.kit.errors import Unavailable
from moiety.wire.exchange import call


def open_ehr(client: httpx.Client) -> UUID:
    """The id of a new EHR (openEHR REST, EHR resource, `POST /ehr`).

    The service says it in the `ETag`.  Raises Unavailable when it does not, or does not answer.
    """
    answer = call(client, "POST", "/openehr/v1/ehr", headers={"Prefer": "return=minimal"})
    try:
        return UUID(answer.headers.get("ETag", "").removeprefix("W/").strip('"'))
    except ValueError:
        raise Unavailable("The clinical service opened an EHR without saying its id.") from None
