"""More clients than threads and connections together: every request is answered."""

from concurrent.futures import ThreadPoolExecutor

from clinical_api.app import create_app
from clinical_api.settings import Settings
from tests.fixtures.fix_services import served


def test_no_thread_waits_for_a_connection_that_waits_for_a_thread(clinical_database):
    """400 mixed requests of 64 clients over few threads and connections: none fails, none hangs."""
    app = create_app(Settings(database_url=clinical_database.url(), threads=16, connections=2))
    with served("clinical", app, clinical_database) as service:
        token = service.key()
        with service.client(token=token) as first:
            ehr_id = first.post("/openehr/v1/ehr").headers["ETag"].strip('"')

        def ask(number):
            with service.client(token=token) as client:
                match number % 4:
                    case 0:
                        return client.get(f"/openehr/v1/ehr/{ehr_id}").status_code
                    case 1:
                        return client.get("/openehr/v1/definition/template/adl1.4").status_code
                    case 2:
                        return client.post("/openehr/v1/ehr").status_code
                query = {"q": "SELECT e/ehr_id/value FROM EHR e"}
                return client.post("/openehr/v1/query/aql", json=query).status_code

        with ThreadPoolExecutor(64) as pool:
            codes = list(pool.map(ask, range(400), timeout=60))
    assert {200, 201} == set(codes)
