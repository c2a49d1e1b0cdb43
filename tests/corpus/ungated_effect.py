"""AR401: tools that act at a model's word alone, beside tools that only look as if they did."""

from __future__ import annotations

import logging
import smtplib
import tempfile
from email.message import EmailMessage
from logging.handlers import RotatingFileHandler
from pathlib import Path

import httpx
import redis
import requests

from pytest_agentready.patterns.results import ToolResult
from tests.corpus import CHECKS, labelled
from tests.corpus.classify import from_httpx, from_requests, unreadable
from tests.corpus.confirming import GATED, READS, UNGATED, key_of, refused

# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(
    args={"order_id": "1001", "cents": 4_900},
    backend={"POST https://pay.example.com/v1/refunds": {"id": "re-7"}},
    **UNGATED,
)
def refund(order_id: str, cents: int) -> ToolResult:
    """Pay a customer back. Only use it after the customer has confirmed."""  # says who? the model
    try:
        response = requests.post("https://pay.example.com/v1/refunds", json={"order": order_id, "amount": cents}, timeout=4)
        response.raise_for_status()
        return ToolResult.success(response.json()["id"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError, ValueError):
        return unreadable()


@labelled(
    args={"to": "ada@example.com", "text": "The table is booked."},
    backend={"smtp://mail.example.com:25": {}},
    **UNGATED,
)
def tell_by_mail(to: str, text: str) -> ToolResult:
    """Send a mail."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "bot@example.com", to, "News"
    mail.set_content(text)
    try:
        with smtplib.SMTP("mail.example.com", 25, timeout=4) as server:
            server.send_message(mail)
    except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused):
        return ToolResult.permanent("The mail was refused.")
    except (OSError, smtplib.SMTPException):
        return ToolResult.transient("The mail server could not be reached.")
    return ToolResult.success("sent")


@labelled(
    args={"branch": "old-feature"},
    backend={
        "GET https://git.example.com/api/branches/{branch}": {"merged": True},
        "DELETE https://git.example.com/api/branches/{branch}": {"deleted": True},
    },
    **UNGATED,
)
async def tidy_up(branch: str) -> ToolResult:
    """Delete a branch that is merged."""
    url = f"https://git.example.com/api/branches/{branch}"
    try:
        async with httpx.AsyncClient(timeout=3) as client:
            found = await client.get(url)
            found.raise_for_status()
            if not found.json()["merged"]:
                return ToolResult.permanent("The branch is not merged, and was left alone.")
            gone = await client.delete(url)
            gone.raise_for_status()
            return ToolResult.success(gone.json()["deleted"])
    except httpx.HTTPError as error:
        return from_httpx(error)
    except (KeyError, TypeError, ValueError):
        return unreadable()


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(
    args={"words": "invoice 2026"},
    backend={"POST https://docs.example.com/v2/find-documents": {"hits": [{"id": 4}]}},
    conduct={"reads": ("POST https://docs.example.com/v2/find-documents",)},
    **READS,
)
def find_documents(words: str) -> ToolResult:
    """Search. The engine takes its questions by POST."""
    try:
        response = requests.post("https://docs.example.com/v2/find-documents", json={"words": words}, timeout=4)
        response.raise_for_status()
        return ToolResult.success(sorted(hit["id"] for hit in response.json()["hits"]))
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError, ValueError):
        return unreadable()


@labelled(
    args={"customer": "c-12"},
    backend={
        "POST https://login.example.com/oauth/token": {"access_token": "t-1", "expires_in": 300},
        "GET https://crm.example.com/customers/{id}": {"name": "Ada"},
    },
    **READS,
)
def customer_name(customer: str) -> ToolResult:
    """Who a customer is. It logs in first."""
    try:
        token = requests.post("https://login.example.com/oauth/token", data={"grant_type": "client_credentials"}, timeout=2)
        token.raise_for_status()
        headers = {"Authorization": f"Bearer {token.json()['access_token']}"}
        found = requests.get(f"https://crm.example.com/customers/{customer}", headers=headers, timeout=2)
        found.raise_for_status()
        return ToolResult.success(str(found.json()["name"]))
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError, ValueError):
        return unreadable()


@labelled(
    args={"city": "Oslo"},
    backend={"GET https://weather.example.com/{city}": {"degrees": 4}},
    conduct={"bookkeeping": ("redis:weather:*",)},
    **READS,
)
def weather(city: str) -> ToolResult:
    """The temperature, from a cache where it is fresh."""
    cache = redis.Redis(host="cache.internal", socket_timeout=1, socket_connect_timeout=1, retry=None)
    try:
        if (known := cache.get(f"weather:{city}")) is not None:
            return ToolResult.success(int(known))  # type: ignore[arg-type]
        response = requests.get(f"https://weather.example.com/{city}", timeout=3)
        response.raise_for_status()
        degrees = int(response.json()["degrees"])
        cache.set(f"weather:{city}", degrees, ex=600)
        return ToolResult.success(degrees)
    except redis.RedisError:
        return ToolResult.transient("The cache is down.")
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError, ValueError):
        return unreadable()


APPROVED: dict[str, bool] = {}


def approve_post(channel: str, text: str) -> None:
    APPROVED[key_of("post", channel=channel, text=text)] = True


@labelled(
    args={"channel": "general", "text": "Release at noon."},
    backend={"POST https://chat.example.com/api/chat.postMessage": {"ok": True, "ts": "17"}},
    conduct={"confirm": approve_post},
    **GATED | {"AR405": "failed"},  # it never expires
)
def post_message(channel: str, text: str) -> ToolResult:
    """Write into a channel."""
    if not APPROVED.pop(key_of("post", channel=channel, text=text), False):
        return refused(f"post to {channel}: {text}")
    try:
        response = requests.post("https://chat.example.com/api/chat.postMessage", json={"channel": channel, "text": text}, timeout=4)
        response.raise_for_status()
        return ToolResult.success(response.json()["ts"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError, ValueError):
        return unreadable()


# Its owner has named no function that confirms: that it refuses is seen, and nothing else.
@labelled(
    args={"account": "NO93", "cents": 500},
    backend={"POST https://bank.example.com/payments": {"id": "p-1"}},
    **dict.fromkeys(CHECKS, "unproven"),
    AR401="passed",
    AR402="unproven",
    AR403="unproven",
    AR404="unproven",
    AR405="unproven",
    AR406="passed",
)
def pay(account: str, cents: int) -> ToolResult:
    """Pay."""
    if not APPROVED.pop(key_of("pay", account=account, cents=cents), False):
        return refused(f"pay {cents} cents to {account}")
    try:
        response = requests.post("https://bank.example.com/payments", json={"account": account, "cents": cents}, timeout=4)
        response.raise_for_status()
        return ToolResult.success(response.json()["id"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError, ValueError):
        return unreadable()


audit = logging.getLogger(f"{__name__}.audit")
audit.propagate = False
audit.setLevel(logging.INFO)
audit.addHandler(RotatingFileHandler(Path(tempfile.mkdtemp(prefix="corpus-log-")) / "audit.log", maxBytes=200, backupCount=2))


@labelled(
    args={"order_id": "1001"},
    backend={"GET https://shop.example.com/orders/{id}": {"state": "shipped"}},
    AR207="passed",
    AR301="passed",
    AR302="not_applicable",
    AR401="passed",  # a log, which goes on in another file from time to time
)
def state_of(order_id: str) -> ToolResult:
    """The state of an order."""
    try:
        audit.info("somebody has asked for the state of the order %s, as is their right", order_id)
        response = requests.get(f"https://shop.example.com/orders/{order_id}", timeout=4)
        response.raise_for_status()
        return ToolResult.success(response.json()["state"])
    except requests.RequestException as error:
        return from_requests(error)
    except (KeyError, TypeError, ValueError):
        return unreadable()
