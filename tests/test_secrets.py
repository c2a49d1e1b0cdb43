"""What is taken for a credential, what is not, and how it is shown."""

from __future__ import annotations

import base64
import json

import pytest

from pytest_agentready.domain import Request, Secret, secrets

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
    assert secrets.mask(f"a {KEY} b sk-t0p%2Bs3cret%2F9f c", [secret]) == "a sk-t...9f b sk-t...9f c"
    assert Secret("a1b2c3d4", "").masked == "a1..."


def test_the_beginning_of_one_that_was_cut_off_is_masked_too() -> None:
    secret = Secret("a1b2c3d4e5f6g7h8", "")
    assert secrets.mask("key=a1b2c3d4e5...", [secret]) == "key=a1b2...h8..."
    assert secrets.mask("key=a1b2c3d4e5f", [secret]) == "key=a1b2...h8"
    assert secrets.mask("key=a1b2c3d4-is-another", [secret]) == "key=a1b2c3d4-is-another"


def test_every_text_of_an_evidence_is_masked() -> None:
    evidence = {f"send({KEY})": [f"POST /{KEY}", 3], "deep": {"at": (KEY,)}}
    assert secrets.mask_all(evidence, [Secret(KEY, "")]) == {"send(sk-t...9f)": ["POST /sk-t...9f", 3], "deep": {"at": ("sk-t...9f",)}}


def test_a_variable_that_only_looks_like_a_url_is_none() -> None:
    assert secrets.held({"ODD": "redis://user@[cache"}) == ()
