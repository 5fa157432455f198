"""QUERY: AQL, ad hoc."""

from fastapi import APIRouter

router = APIRouter(prefix="/openehr/v1/query", tags=["QUERY"])
