"""A client by other hands, written for EHRbase (oehrpy), works against the conformance profile."""

import asyncio

import pytest

from tests.fixtures.clinical_documents import TEMPLATES, folder, vital_signs
from tests.fixtures.fix_services import PASSWORDS, conforming

client_module = pytest.importorskip("oehrpy.client", reason="oehrpy is not installed")
OPT = (TEMPLATES / "vital_signs.opt").read_text()
ID = vital_signs()["archetype_details"]["template_id"]["value"]


@pytest.mark.behaviour("client")
@pytest.mark.parametrize("auth", ["none", "basic"])
def test_an_ehrbase_client_works_unchanged(clinical_database, auth):
    """Server, EHR, template, compositions in each form, versions, directory, AQL, deletion."""
    with conforming(clinical_database, auth=auth) as service:
        asyncio.run(story(service.url, auth))


async def story(url, auth):
    credentials = {}
    if auth == "basic":
        (user, password), (admin, secret) = PASSWORDS["user"], PASSWORDS["admin"]
        credentials = {"username": user, "password": password, "admin_username": admin,
                       "admin_password": secret}  # fmt: skip
    config = client_module.EHRBaseConfig(base_url=f"{url}/ehrbase", **credentials)
    async with client_module.EHRBaseClient(config=config) as client:
        assert await client.health_check()
        assert await client.get_server_info()
        uploaded = await client.upload_template(OPT)
        assert ID == uploaded.template_id
        assert ID in {one.template_id for one in await client.list_templates()}
        assert "<template" in await client.get_template_opt(ID)
        assert await client.get_web_template(ID)

        ehr = await client.create_ehr(subject_id="ext_id_42", subject_namespace="patients")
        found = await client.get_ehr_by_subject("ext_id_42", "patients")
        assert ehr.ehr_id == found.ehr_id == (await client.get_ehr(ehr.ehr_id)).ehr_id

        await compositions(client, ehr.ehr_id)

        await client.create_directory(ehr.ehr_id, folder("root", folder("episodes")))
        assert "root" == (await client.get_directory(ehr.ehr_id))["name"]["value"]

        await client.store_query("org.example::all", "SELECT c/uid/value FROM COMPOSITION c")
        stored = await client.execute_stored_query("org.example::all")
        assert 2 == len(stored.rows)

        with pytest.raises(client_module.ValidationError):
            await client.delete_template(ID)
        await client.delete_ehr(ehr.ehr_id)
        with pytest.raises(client_module.NotFoundError):
            await client.get_ehr(ehr.ehr_id)
        await client.delete_template(ID)


async def compositions(client, ehr_id):
    """FLAT and canonical in, read in every form, corrected, asked for, deleted."""
    form = client_module.CompositionFormat
    flat = await client.get_template_example(ID, format=form.FLAT)
    first = await client.create_composition(ehr_id, flat, template_id=ID, format=form.FLAT)
    second = await client.create_composition(ehr_id, vital_signs(), format=form.CANONICAL)
    for one in form:
        read = await client.get_composition(ehr_id, second.uid, format=one)
        assert read.composition
    updated = await client.update_composition(
        ehr_id, first.uid.split("::")[0], first.uid, flat, template_id=ID, format=form.FLAT
    )
    assert updated.uid.endswith("::2")
    with pytest.raises(client_module.PreconditionFailedError):
        await client.update_composition(
            ehr_id, first.uid.split("::")[0], first.uid, flat, template_id=ID, format=form.FLAT
        )
    asked = "SELECT c/uid/value AS uid FROM EHR e CONTAINS COMPOSITION c"
    answer = await client.query(asked, ehr_id=ehr_id)
    assert {updated.uid, second.uid} == {row[0] for row in answer.rows}
    with pytest.raises(client_module.ValidationError):
        await client.create_composition(ehr_id, {"x/y": 1}, template_id=ID, format=form.FLAT)
    third = await client.create_composition(ehr_id, vital_signs(3), format=form.CANONICAL)
    await client.delete_composition(ehr_id, third.uid)
