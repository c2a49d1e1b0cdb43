"""AR106 beyond HTTP: tools that hand on all that a store holds, beside those that ask for a part, and those that only write."""

from __future__ import annotations

import smtplib
from email.message import EmailMessage
from typing import Any

import psycopg
import redis

from pytest_agentready.patterns.results import ToolResult

from . import labelled

LOG = {"redis://cache.internal/0": {"log": ["start", "stop"]}}
PRODUCTS = {"postgresql://db.internal/shop": [{"id": 1, "title": "Chair"}]}
DOWN = "The store cannot be reached at the moment."


def cache() -> Any:
    return redis.Redis(host="cache.internal", socket_timeout=1, socket_connect_timeout=1, retry=None, decode_responses=True)


def shop() -> psycopg.Connection:
    return psycopg.connect("postgresql://bot@db.internal/shop", connect_timeout=2)  # which sets no limit to an answer


# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(args={}, backend=LOG, AR106="failed")
def whole_log() -> ToolResult:
    """Everything that has happened."""
    try:
        with cache() as store:
            return ToolResult.success(store.lrange("log", 0, -1))
    except redis.RedisError:
        return ToolResult.transient(DOWN)


@labelled(args={"word": "chair"}, backend=PRODUCTS, AR106="failed", AR202="failed", AR203="not_applicable")
def all_products(word: str) -> ToolResult:
    """All products whose title has the word."""
    try:
        with shop() as connection:
            rows = connection.execute("SELECT id, title FROM products WHERE title ILIKE %s", (f"%{word}%",)).fetchall()
        return ToolResult.success([{"id": row[0], "title": row[1]} for row in rows])
    except psycopg.Error:
        return ToolResult.transient(DOWN)


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(args={}, backend=LOG, AR106="passed")
def end_of_the_log() -> ToolResult:
    """The last ten things that have happened."""
    try:
        with cache() as store:
            return ToolResult.success([line[:100] for line in store.lrange("log", -10, -1)])
    except redis.RedisError:
        return ToolResult.transient(DOWN)


@labelled(args={"word": "chair"}, backend=PRODUCTS, AR106="passed", AR202="failed", AR203="not_applicable")
def some_products(word: str) -> ToolResult:
    """Twenty products whose title has the word."""
    try:
        with shop() as connection:
            rows = connection.execute("SELECT id, title FROM products WHERE title ILIKE %s LIMIT 20", (f"%{word}%",)).fetchall()
        return ToolResult.success([{"id": row[0], "title": row[1][:80]} for row in rows])
    except psycopg.Error:
        return ToolResult.transient(DOWN)


@labelled(args={"id": 1}, backend=PRODUCTS, AR106="passed", AR202="failed", AR203="not_applicable")
def one_product(id: int) -> ToolResult:
    """The product of this number: all its rows, of which there is one."""
    try:
        with shop() as connection:
            rows = connection.execute("SELECT id, title FROM products WHERE id = %s", (id,)).fetchall()
        return ToolResult.success([list(row) for row in rows])
    except psycopg.Error:
        return ToolResult.transient(DOWN)


@labelled(args={"to": "ada@example.com"}, backend={"smtp://mail.example.com:587": {}}, AR106="passed")  # a receipt is never long
def send_greeting(to: str) -> ToolResult:
    """Send a greeting."""
    message = EmailMessage()
    message["From"], message["To"] = "shop@example.com", to
    message.set_content("Hello!")
    try:
        with smtplib.SMTP("mail.example.com", 587, timeout=2) as server:
            server.send_message(message)
    except (OSError, smtplib.SMTPException):
        return ToolResult.transient("The mail server cannot be reached.")
    return ToolResult.success(f"Sent to {to}.")
