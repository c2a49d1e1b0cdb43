"""What is taken for a credential, what is not, and how it is shown."""

from __future__ import annotations

import base64
import json

import pytest

from pytest_agentready.domain import LogIn, Request, Run, Secret, mask, mask_all, secrets

KEY = "sk-t0p+s3cret/9f"


def request(url: str = "https://api.example.com/", headers: tuple[tuple[str, str], ...] = (), body: bytes = b"") -> Request:
    return Request("POST", url, headers, body, is_write=True, committed=True, status=200, routed=True, at=0.0, where="shop.py:7")


def origins(*found: Request) -> dict[str, str]:
    return {secret.value: secret.origin for secret in secrets.sent(found)}


@pytest.mark.parametrize(
    "name", ["api_key", "apikey", "API-Key", "token", "access_token", "key", "secret", "client_secret", "signature", "sig"]
)
def test_a_query_parameter_of_such_a_name_is_one(name: str) -> None:
    assert origins(request(f"https://api.example.com/?{name}=a1b2c3d4e5")) == {"a1b2c3d4e5": f"the query parameter {name}"}


@pytest.mark.parametrize(("query", "is_one"), [
    ("appid=4f1c9a7be2d84c034f1c9a7be2d84c03", True), ("app_id=4f1c9a7be2d84c034f1c9a7be2d84c03", True), ("app_key=4f1c9a7b", True),
    ("appid=1098237498127", False), ("app_id=123e4567-e89b-12d3-a456-426614174000", False), ("appid=com-example-shop-android-2026", False),
])  # fmt: skip
def test_an_app_is_known_by_a_random_text_or_by_its_number(query: str, is_one: bool) -> None:
    assert bool(origins(request(f"https://api.example.com/?{query}"))) is is_one


@pytest.mark.parametrize("name", ["page_token", "next_token", "keyword", "tokens", "monkey", "secretary", "sort_key", "q"])
def test_a_query_parameter_of_another_name_is_none(name: str) -> None:
    assert origins(request(f"https://api.example.com/?{name}=a1b2c3d4e5")) == {}


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("https://api.telegram.org/bot9845120:BBHq8dkfJ3kdLw93kfS0dkwPq2mZx7vYt9z/sendMessage", "BBHq8dkfJ3kdLw93kfS0dkwPq2mZx7vYt9z"),
        ("https://hooks.slack.com/services/T02AB9XY/B03CD8WZ/kfjDk39sJfkd92kDJfks1a2b", "kfjDk39sJfkd92kDJfks1a2b"),
        ("https://chat.example.com/api/webhooks/1098237498127/aX9-kfjDk39sJfk_d92kDJfks1a2b", "aX9-kfjDk39sJfk_d92kDJfks1a2b"),
        ("https://rates.example.com/v6/9f8d7c6b5a4e3f2d1c0b9a8f/latest/USD", "9f8d7c6b5a4e3f2d1c0b9a8f"),
        ("https://maker.example.com/trigger/lamp/with/key/dK39sJfkd92kDJfks1a2b", "dK39sJfkd92kDJfks1a2b"),
    ],
)
def test_a_random_part_of_a_path_that_lets_in_is_one(url: str, secret: str) -> None:
    assert origins(request(url)) == {secret: "the path of the address"}


@pytest.mark.parametrize(
    "path",
    [
        "orders/kfjDk39sJfkd92kDJfks1a2b",
        "v1/customers/cus_NffrFeUfNV2HibKd93jf8",
        "spreadsheets/d/1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms/edit",
        "v2/123e4567-e89b-12d3-a456-426614174000",
        "webhooks/123e4567-e89b-12d3-a456-426614174000",
        "hooks/deploy-the-shop-to-production-2026",
        "v1/quarterly-report-2026-final-version",
        "v1/models/gemini-2:generateContent20261124",
        "functions/arn:aws:lambda:eu-central-1:123456789012:function:shipped-orders-2026-v2",
        "v1/20261124193000123456789",
        "api/averyveryverylongnameofathing",
    ],
)
def test_an_id_a_uuid_or_a_slug_is_none(path: str) -> None:
    assert origins(request(f"https://api.example.com/{path}")) == {}


@pytest.mark.parametrize(
    ("name", "value"), [("authorization", f"Bearer {KEY}"), ("authorization", KEY), ("x-api-key", KEY), ("x-goog-api-key", KEY)]
)
def test_a_header_of_such_a_name_is_one_without_its_scheme(name: str, value: str) -> None:
    assert origins(request(headers=((name, value),))) == {KEY: f"the header {name}"}


@pytest.mark.parametrize("name", ["idempotency-key", "content-type", "x-request-id", "user-agent"])
def test_another_header_is_none(name: str) -> None:
    assert origins(request(headers=((name, KEY),))) == {}


def test_basic_authentication_is_one_as_it_is_sent_and_as_a_password() -> None:
    sent = base64.b64encode(b"bot:s3cret-b0t").decode()
    assert set(origins(request(headers=(("authorization", f"Basic {sent}"),)))) == {sent, "s3cret-b0t"}


@pytest.mark.parametrize("body", [json.dumps({"auth": [{"client_secret": KEY}]}).encode(), b"grant=x&client_secret=sk-t0p%2Bs3cret/9f"])
def test_a_field_of_a_json_or_form_body_is_one(body: bytes) -> None:
    assert origins(request(body=body)) == {KEY: "the field client_secret of the request"}


@pytest.mark.parametrize("value", ["short7", "changeme", "Production", "2026112418", "password"])
def test_short_values_words_and_numbers_are_none(value: str) -> None:
    assert origins(request(f"https://api.example.com/?token={value}")) == {}
    assert secrets.held({"API_TOKEN": value}) == ()


def test_a_name_that_stands_in_every_request_of_a_long_conversation_is_looked_at_once() -> None:
    body = json.dumps([{"name_of_this_test": "user", "text": f"part {number}"} for number in range(500)]).encode()
    before = secrets.is_telling.cache_info().misses
    assert not origins(request(body=body))
    assert secrets.is_telling.cache_info().misses - before <= 3


def test_the_environment_holds_them_under_telling_names() -> None:
    held = secrets.held(
        {
            "SHOP_API_KEY": KEY,
            "GITHUB_TOKEN": "ghp_16C7e42F292c",
            "SSL_KEY_FILE": "/etc/ssl/private.pem",
            "TOKEN_URL": "https://auth.example.com/token",
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "KEYBOARD_LAYOUT": "us-dvorak-7",
            "MAX_TOKENS": "123456789012",
            "DATABASE_URL": "postgresql://shop:hunter%40two@db.internal/shop",
            "HOMEPAGE": "https://shop.example.com/about",
        }
    )
    assert {secret.value for secret in held} == {KEY, "ghp_16C7e42F292c", "hunter@two"}
    assert held[-1].origin == "the password in the environment variable DATABASE_URL"


def test_what_the_caller_gives_is_no_secret_to_it() -> None:
    found = secrets.sent([request("https://api.example.com/?key=ord_7f3a9c1e2b&token=a1b2c3d4e5")])
    assert [secret.value for secret in secrets.unknown_to_the_caller(found, [{"order": "ord_7f3a9c1e2b"}])] == ["a1b2c3d4e5"]


def test_it_is_found_escaped_and_shown_masked() -> None:
    secret = Secret(KEY, "the query parameter token")
    assert secret.is_in("GET /?token=sk-t0p%2Bs3cret%2F9f failed")
    assert secret.masked == "sk-t...9f"
    assert mask(f"a {KEY} b sk-t0p%2Bs3cret%2F9f c", [secret]) == "a sk-t...9f b sk-t...9f c"
    assert Secret("a1b2c3d4", "").masked == "a1..."


def test_the_beginning_of_one_that_was_cut_off_is_masked_too() -> None:
    secret = Secret("a1b2c3d4e5f6g7h8", "")
    assert mask("key=a1b2c3d4e5...", [secret]) == "key=a1b2...h8..."
    assert mask("key=a1b2c3d4e5f", [secret]) == "key=a1b2...h8"
    assert mask("key=a1b2c3d4-is-another", [secret]) == "key=a1b2c3d4-is-another"


def test_every_text_of_an_evidence_is_masked() -> None:
    evidence = {f"send({KEY})": [f"POST /{KEY}", 3], "deep": {"at": (KEY,)}}
    assert mask_all(evidence, [Secret(KEY, "")]) == {"send(sk-t...9f)": ["POST /sk-t...9f", 3], "deep": {"at": ("sk-t...9f",)}}


def test_a_variable_that_only_looks_like_a_url_is_none() -> None:
    assert secrets.held({"ODD": "redis://user@[cache"}) == ()


@pytest.mark.parametrize("cookie", ["sessionid", "connect.sid", "JSESSIONID", "auth_token", "remember_me"])
def test_a_cookie_by_which_a_server_knows_somebody_is_one(cookie: str) -> None:
    assert origins(request(headers=(("cookie", f"theme=dark-and-blue; {cookie}=a1b2c3d4e5"),))) == {"a1b2c3d4e5": f"the cookie {cookie}"}


def test_a_cookie_of_any_name_is_one_where_its_value_is_random() -> None:
    assert origins(request(headers=(("cookie", 'lang=nb_NO-utf8; x="9f8a7b6c5d4e3f2a1b0c9d8e"'),))) == {
        "9f8a7b6c5d4e3f2a1b0c9d8e": "the cookie x"
    }


def test_what_a_run_logged_in_with_is_one() -> None:
    run = Run({}, credentials=(Secret("s3cret-9f8a", "the password for Redis"), Secret("guest", ""), Secret("changeme", "")))
    assert [secret.value for secret in secrets.seen([LogIn((run,))], {})] == ["s3cret-9f8a"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("cannot reach postgresql://app:pw1@db.internal:5432/shop", ":pw1@"),
        ("redis://:hunter2@cache.internal/0: refused", ":hunter2@"),
        ("proxy 'http://ada:l0ve%21ace@proxy.internal:3128'", ":l0ve%21ace@"),
        ('connection to "host=db user=app password=s3cret-9f8a" failed', "s3cret-9f8a"),
        ("DRIVER={ODBC};SERVER=db;PWD=s3cret-9f8a;", "s3cret-9f8a"),
        ("password='s3cret 9f8a' dbname=shop", "s3cret 9f8a"),
    ],
)
def test_a_text_shows_a_password_by_where_it_stands(text: str, value: str) -> None:
    (found,) = secrets.shown([text], [])
    assert found.value == value
    assert found.is_in(text)


@pytest.mark.parametrize(
    "text",
    [
        "cannot reach postgresql://app:***@db.internal/shop",
        "cannot reach postgresql://app:xxxxx@db.internal/shop",
        "use postgresql://user:password@host/database",
        "use postgresql://<user>:<password>@<host>/database",
        "postgresql://app@db.internal:5432/shop",
        "see https://example.com:8080/@ada",
        "mail to mailto:ada@example.com",
        "at 12:30@noon",
        "password=*** host=db",
        "password=changeme is not allowed",
        "give password=... in the settings",
    ],
)
def test_an_address_without_a_password_or_with_a_mask_shows_none(text: str) -> None:
    assert secrets.shown([text], []) == ()


def test_a_password_in_an_address_that_the_caller_gave_is_none() -> None:
    url = "postgresql://app:pw1@db.internal/shop"
    assert secrets.shown([f"cannot reach {url}"], [{"url": url}]) == ()


def test_a_password_in_an_address_is_masked_whether_it_is_known_or_not() -> None:
    assert mask("cannot reach postgresql://app:hunter2@db.internal/shop", []) == "cannot reach postgresql://app:hu...@db.internal/shop"
