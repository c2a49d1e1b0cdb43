"""Values that look right for a parameter's name: "Oslo" for `city`, 59.91 for `lat`. A name is read by its last words first."""

from __future__ import annotations

import re
from collections.abc import Iterator

TEXTS = {
    # people and messages
    "email": "ada@example.com", "email address": "ada@example.com", "to": "ada@example.com", "recipient": "ada@example.com",
    "recipients": "ada@example.com", "cc": "grace@example.com", "bcc": "grace@example.com", "sender": "support@example.com",
    "from email": "support@example.com", "reply to": "support@example.com", "attendee": "ada@example.com", "invitee": "ada@example.com",
    "mail": "ada@example.com", "participant": "ada@example.com", "guest": "ada@example.com",
    "phone": "+4722334455", "phone number": "+4722334455", "mobile": "+4722334455", "telephone": "+4722334455", "to number": "+4722334455",
    "name": "Ada Lovelace", "full name": "Ada Lovelace", "first name": "Ada", "last name": "Lovelace", "surname": "Lovelace",
    "given name": "Ada", "family name": "Lovelace", "author": "Ada Lovelace", "person": "Ada Lovelace", "customer": "Ada Lovelace",
    "contact": "Ada Lovelace", "user name": "ada", "username": "ada", "login": "ada", "user": "ada", "owner": "octocat",
    "assignee": "ada", "assigned to": "ada", "reviewer": "ada", "handle": "ada", "nickname": "ada",
    "subject": "Your order has shipped", "title": "Quarterly report", "headline": "Quarterly report", "label": "bug", "tag": "bug",
    "body": "Hello Ada, your order is on its way.", "message": "Hello Ada, your order is on its way.", "text": "Hello Ada, your order is on its way.",
    "content": "Hello Ada, your order is on its way.", "comment": "Looks good to me.", "note": "Call back on Monday.",
    "summary": "The customer asks for a refund.", "description": "The customer asks for a refund.", "details": "The customer asks for a refund.",
    "reason": "The customer changed their mind.", "feedback": "Looks good to me.", "review": "Looks good to me.",
    "caption": "Our new office", "bio": "Engineer in Oslo", "greeting": "Hello",
    # asking
    "query": "opening hours", "q": "opening hours", "question": "What are your opening hours?", "search": "opening hours",
    "search term": "opening hours", "search query": "opening hours", "term": "opening hours", "keyword": "opening hours",
    "keywords": "opening hours", "phrase": "opening hours", "prompt": "What are your opening hours?", "topic": "renewable energy",
    "instruction": "Summarize the report.", "instructions": "Summarize the report.", "input": "Hello", "expression": "2 + 2",
    "formula": "2 + 2", "equation": "2 + 2", "problem": "The printer does not print.", "issue": "The printer does not print.",
    "symptom": "headache", "ingredient": "tomato", "dish": "pasta",
    # places
    "city": "Oslo", "city name": "Oslo", "town": "Oslo", "location": "Oslo", "place": "Oslo", "destination": "Oslo", "origin": "Bergen",
    "departure": "Bergen", "arrival": "Oslo", "region": "eu-north-1", "zone": "eu-north-1a", "country": "Norway", "country code": "NO", "state": "CA",
    "province": "Ontario", "county": "Kent", "address": "Karl Johans gate 1, Oslo", "street": "Karl Johans gate 1", "zip": "0154",
    "zip code": "0154", "postal code": "0154", "postcode": "0154", "venue": "Oslo City Hall", "continent": "Europe", "airport": "OSL",
    "airport code": "OSL", "hotel": "Grand Hotel", "room": "101", "store": "Oslo", "warehouse": "Oslo",
    "coordinates": "59.91,10.75", "latlng": "59.91,10.75", "geohash": "u4xsu",
    # money and trade
    "currency": "EUR", "currency code": "EUR", "from currency": "USD", "to currency": "EUR", "base": "USD", "base currency": "USD",
    "target currency": "EUR", "quote currency": "EUR", "amount": "19.99", "price": "19.99", "total": "19.99", "ticker": "AAPL", "symbol": "AAPL",
    "stock": "AAPL", "coin": "bitcoin", "crypto": "bitcoin", "iban": "NO9386011117947", "product": "coffee mug", "product name": "coffee mug",
    "item": "coffee mug", "item name": "coffee mug", "company": "Acme", "company name": "Acme", "organization": "acme", "org": "acme",
    "organisation": "acme", "vendor": "Acme", "brand": "Acme", "category": "books", "department": "sales", "plan": "pro", "coupon": "WELCOME10",
    "coupon code": "WELCOME10", "discount code": "WELCOME10", "promo code": "WELCOME10", "sku": "SKU-1001", "isbn": "9780140449136",
    "ean": "4006381333931", "barcode": "4006381333931", "vin": "1HGCM82633A004352", "tracking number": "1Z999AA10123456784",
    "order number": "1001", "invoice number": "INV-1001", "account number": "1234567890", "flight number": "SK4035", "flight": "SK4035",
    "payment method": "card", "carrier": "dhl", "color": "blue", "colour": "blue", "size": "M",
    # ids
    "id": "123", "user id": "user_123", "customer id": "cus_123", "order id": "1001", "uuid": "7d9f1c1e-3b0a-4c55-9a7e-2f6d1f0c8b11",
    "guid": "7d9f1c1e-3b0a-4c55-9a7e-2f6d1f0c8b11", "session id": "sess_123", "thread id": "thread_123", "chat id": "123456789",
    "file id": "file_123", "account id": "acct_123", "account": "acct_123", "key": "example", "issue key": "PROJ-123",
    "project key": "PROJ", "ticket": "PROJ-123", "reference": "REF-1001", "token": "token_123", "api key": "key_123", "isrc": "NOABC2500001",
    "hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b", "sha": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b", "ts": "1763978400.000100",
    "thread ts": "1763978400.000100", "etag": "abc123", "cursor": "abc123", "version": "1.0.0", "code": "print('hello')",
    # the web and computers
    "url": "https://example.com", "uri": "https://example.com", "link": "https://example.com", "website": "https://example.com",
    "site": "https://example.com", "webhook": "https://example.com/hook", "callback": "https://example.com/hook",
    "image": "https://example.com/picture.png", "image url": "https://example.com/picture.png", "endpoint": "https://api.example.com/v1/status",
    "domain": "example.com", "host": "example.com", "hostname": "example.com", "ip": "192.0.2.1", "ip address": "192.0.2.1", "subnet": "192.0.2.0/24",
    "path": "notes.txt", "file": "notes.txt", "file path": "notes.txt", "filepath": "notes.txt", "filename": "notes.txt", "file name": "notes.txt",
    "directory": ".", "dir": ".", "folder": "documents", "root": ".", "source": "notes.txt", "source path": "notes.txt",
    "destination path": "notes-copy.txt", "output path": "output.txt", "output": "output.txt", "pattern": "*.txt", "extension": ".txt", "glob": "*.txt",
    "regex": "hello", "mime type": "text/plain", "content type": "text/plain", "encoding": "utf-8", "format": "json", "data": "Hello",
    "repo": "hello-world", "repository": "hello-world", "repo name": "hello-world", "repository name": "hello-world", "branch": "main",
    "base branch": "main", "head": "feature", "head branch": "feature", "ref": "main", "commit": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
    "channel": "#general", "channel id": "C0123456789", "channel name": "general", "emoji": "thumbsup", "reaction": "thumbsup",
    "workspace": "acme", "team": "platform", "project": "apollo", "project name": "apollo", "group": "platform", "environment": "staging",
    "env": "staging", "service": "checkout", "service name": "checkout", "cluster": "staging", "namespace": "default", "pod": "web-1", "container": "web",
    "bucket": "my-bucket", "table": "orders", "table name": "orders", "database": "shop", "db": "shop", "schema": "public", "column": "id",
    "field": "name", "sql": "SELECT 1", "sql query": "SELECT 1", "statement": "SELECT 1", "command": "ls", "cmd": "ls", "script": "print('hello')",
    "module": "json", "package": "requests", "package name": "requests", "model": "gpt-4o", "device": "thermostat", "sensor": "temperature", "log": "app.log",
    "collection": "documents", "index": "documents", "index name": "documents", "document": "report", "metric": "revenue", "dashboard": "sales", "event": "signup",
    "selector": "#main", "html": "<p>Hello</p>", "markdown": "Hello", "value": "example", "username or email": "ada@example.com", "password": "correct horse battery staple",
    # time
    "date": "2026-01-15", "day": "2026-01-15", "datetime": "2026-01-15T09:00:00Z", "timestamp": "2026-01-15T09:00:00Z", "time": "09:00",
    "start": "2026-01-15T09:00:00Z", "start time": "2026-01-15T09:00:00Z", "end": "2026-01-15T10:00:00Z", "end time": "2026-01-15T10:00:00Z",
    "start date": "2026-01-15", "end date": "2026-01-20", "from date": "2026-01-15", "to date": "2026-01-20", "date from": "2026-01-15",
    "date to": "2026-01-20", "since": "2026-01-15", "until": "2026-01-20", "after": "2026-01-15", "before": "2026-01-20", "checkin": "2030-01-15",
    "check in": "2030-01-15", "checkout date": "2030-01-20", "check out": "2030-01-20", "departure date": "2030-01-15",
    "return date": "2030-01-20", "check in date": "2030-01-15", "check out date": "2030-01-20", "checkin date": "2030-01-15",
    "due date": "2030-01-15", "due": "2030-01-15", "deadline": "2030-01-15", "birthday": "1990-05-17", "birth date": "1990-05-17",
    "date of birth": "1990-05-17", "dob": "1990-05-17", "timezone": "Europe/Oslo", "time zone": "Europe/Oslo", "tz": "Europe/Oslo", "month": "2026-01",
    "year": "2026", "period": "2026-01", "duration": "1h", "cron": "0 9 * * *", "schedule": "0 9 * * *", "interval": "1d", "when": "2026-01-15T09:00:00Z",
    # words
    "language": "en", "lang": "en", "language code": "en", "locale": "en-US", "source language": "en", "target language": "de", "source lang": "en",
    "target lang": "de", "from language": "en", "to language": "de", "word": "hello", "unit": "celsius", "units": "metric", "status": "open",
    "type": "default", "kind": "default", "priority": "high", "severity": "high", "mode": "default", "level": "info", "role": "user",
    "gender": "female", "genre": "jazz", "artist": "Nina Simone", "song": "Feeling Good", "album": "Pastel Blues", "movie": "Metropolis", "book": "Frankenstein",
    "sport": "football", "season": "2026", "order by": "name", "sort": "name", "sort by": "name", "order": "asc", "direction": "asc",
    "filter": "status=open", "number": "1001", "method": "GET", "action": "list", "percent": "10",
}  # fmt: skip

NUMBERS = {
    "limit": 10, "max results": 10, "num results": 5, "number of results": 5, "top k": 5, "k": 5, "n": 5, "count": 3, "num": 3, "max": 10, "min": 1,
    "page": 1, "page number": 1, "page size": 20, "per page": 20, "offset": 0, "skip": 0, "start": 0, "index": 0, "quantity": 1, "qty": 1, "nights": 2,
    "guests": 2, "adults": 2, "passengers": 1, "party size": 2, "people": 2, "amount": 25, "price": 19.99, "total": 19.99, "cost": 19.99, "budget": 500,
    "cents": 1999, "amount cents": 1999, "lat": 59.91, "latitude": 59.91, "lon": 10.75, "lng": 10.75, "long": 10.75, "longitude": 10.75,
    "percent": 10, "percentage": 10, "discount": 10, "rate": 0.05, "interest rate": 0.05, "tax rate": 0.25, "ratio": 0.5, "probability": 0.5, "score": 0.8,
    "threshold": 0.5, "confidence": 0.8, "temperature": 20, "year": 2026, "years": 2, "month": 6, "months": 3, "day": 15, "days": 3, "hour": 9,
    "hours": 2, "minute": 30, "minutes": 30, "seconds": 30, "duration": 30, "timeout": 5, "delay": 1, "interval": 60, "retries": 3, "age": 36, "id": 123,
    "number": 42, "port": 443, "width": 800, "height": 600, "radius": 5, "distance": 5, "weight": 2.5, "depth": 2, "size": 10, "length": 10, "rating": 4,
    "stars": 4, "priority": 2, "level": 1, "line": 1, "line number": 1, "version": 1, "timestamp": 1763978400, "ts": 1763978400, "principal": 10000,
    "salary": 50000, "income": 50000, "a": 2, "b": 3, "x": 2, "y": 3, "base": 2, "exponent": 3, "value": 10, "altitude": 100, "speed": 50, "zip": 10001,
    "degrees": 90, "angle": 90, "sides": 6, "seed": 42, "zoom": 12, "chat id": 123456789, "user id": 123, "status": 200, "stock": 5, "balance": 100,
}  # fmt: skip

TRUE = frozenset({"enabled", "enable", "active", "available", "public", "on", "subscribed"})
SHORT = 3  # letters below which a word is no sign, unless it is the whole name: the `a` of `a_list`


def text_for(name: str, description: str) -> str:
    """Falls back on the words of the description, and then on an example that says what it is."""
    words = words_of(name)
    for phrase in _phrases(words):
        if phrase in TEXTS:
            return TEXTS[phrase]
    if words and words[-1] in ("id", "identifier", "number", "no", "code", "key", "ref"):
        return f"{words[-2]}_123" if len(words) > 1 else "123"
    if words and words[-1] in ("at", "on"):  # scheduled_at
        return TEXTS["datetime"]
    return _told_by(description, TEXTS) or "example"


def number_for(name: str, description: str) -> float:
    return next((NUMBERS[phrase] for phrase in _phrases(words_of(name)) if phrase in NUMBERS), None) or _told_by(description, NUMBERS) or 1


def flag_for(name: str) -> bool:
    """False does the least: it forces, confirms and deletes nothing."""
    return bool(TRUE & set(words_of(name)))


def is_numeric(name: str) -> bool:
    """Would an untyped parameter of this name be a number?"""
    phrases = list(_phrases(words_of(name)))
    return any(phrase in NUMBERS for phrase in phrases[:1]) and not any(phrase in TEXTS for phrase in phrases[:1])


def words_of(name: str) -> list[str]:
    """`cityName`, `city_name` and `city-name` are two words."""
    return re.findall(r"[a-z]+|\d+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower())


def _phrases(words: list[str]) -> Iterator[str]:
    """The whole name, its ever shorter ends, then its ever shorter beginnings; each in the singular, too."""
    ends = [" ".join(words[start:]) for start in range(len(words))]
    beginnings = [" ".join(words[:end]) for end in range(len(words) - 1, 0, -1)] if words[-1:] != ["id"] else []
    for phrase in (*ends, *beginnings):
        yield phrase
        if phrase.endswith("s"):
            yield phrase.removesuffix("s")


def _told_by(description: str, table: dict[str, str] | dict[str, float]) -> str | float | None:
    """By the first word, or pair of words, of the description that is in the table: "The city to look up" is a city."""
    words = words_of(description)
    for number, word in enumerate(words):
        for phrase in (" ".join(words[number : number + 2]), word):
            if phrase in table and (len(phrase) > SHORT or phrase in ("url", "zip", "sku")):
                return table[phrase]
    return None
