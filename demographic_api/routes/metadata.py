"""What the server can do; open to all, as FHIR asks."""

import msgspec
from fastapi import APIRouter, Response

from demographic_api.capability import statement
from demographic_api.outcomes import MEDIA_TYPE

router = APIRouter(tags=["fhir"])


@router.get("/metadata")
def read() -> Response:
    """The CapabilityStatement."""
    return Response(msgspec.json.encode(statement()), media_type=MEDIA_TYPE)
