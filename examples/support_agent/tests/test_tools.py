"""What the tools say in good and in bad times."""

import asyncio

import pytest
from support_agent import client, tools
from support_agent.gate import approve, current_user


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(client, "PAUSE", 0)


@pytest.fixture(autouse=True)
def session():
    token = current_user.set("ada")
    yield
    current_user.reset(token)


def test_an_order_has_a_status(services):
    services.answers["GET /orders/42"] = 200, {"id": "42", "status": "shipped"}
    assert tools.get_order_status("42").data == {"id": "42", "status": "shipped"}


def test_a_parcel_is_somewhere(services):
    services.answers["GET /orders/42/delivery"] = 200, {"status": "out for delivery"}
    assert tools.get_delivery_status("42").data == {"status": "out for delivery"}


def test_articles_come_in_a_stable_order(services):
    hits = [{"id": 9, "title": "Returns", "url": "/9"}, {"id": 2, "title": "Refunds", "url": "/2"}]
    services.answers["GET /search"] = 200, {"hits": hits}
    assert [hit["id"] for hit in asyncio.run(tools.search_knowledge_base("money back")).data["hits"]] == [2, 9]


def test_a_mail_is_sent_once_the_user_has_agreed_to_it(services):
    services.answers["POST /v1/messages"] = 200, {"message_id": "m-1"}
    mail = {"to": "ada@example.com", "subject": "Hi", "body": "It is on its way."}
    assert "CONFIRMATION_REQUIRED" in asyncio.run(tools.send_email(**mail)).message
    approve("send_email", **mail)
    assert asyncio.run(tools.send_email(**mail | {"body": "Something else."})).status == "error"
    assert asyncio.run(tools.send_email(**mail)).data == {"message_id": "m-1"}
    assert asyncio.run(tools.send_email(**mail)).status == "error"


def test_a_repeated_refund_has_the_same_key_and_another_refund_another(services):
    services.answers["POST /orders/42/refunds"] = 200, {"refund_id": "re-1"}
    for cents in (500, 500, 700):
        approve("refund_order", order_id="42", cents=cents)
        assert tools.refund_order("42", cents).status == "success"
    first, again, other = (headers["Idempotency-Key"] for headers in services.headers)
    assert first == again != other


@pytest.mark.parametrize(("status", "error_type", "attempts"), [(429, "rate_limit", 1), (503, "transient", 2), (404, "permanent", 1)])
def test_only_what_may_pass_is_tried_again(services, status, error_type, attempts):
    services.answers["GET /orders/42"] = status, {}
    assert tools.get_order_status("42").error_type == error_type
    assert len(services.headers) == attempts


def test_an_answer_of_another_shape_is_an_error(services):
    services.answers["GET /orders/42"] = 200, {"state": "shipped"}
    assert tools.get_order_status("42").error_type == "permanent"


def test_an_invented_id_stays_in_its_place(services):
    services.answers["GET /orders/..%2Fadmin"] = 404, {}
    assert tools.get_order_status("../admin").error_type == "permanent"
