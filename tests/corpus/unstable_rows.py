"""AR304 of rows, whatever connection they are asked of: a pool's, an object's, a closure's, one that the call makes itself.

Beside them are tools that sort, ask for one row, or are given too little for anybody to tell.
"""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
from collections.abc import Callable
from typing import Any

import pg8000.dbapi
import pymysql
import redis
import sqlalchemy
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker
from sqlalchemy.pool import StaticPool

from pytest_agentready.patterns.results import ToolResult
from tests.corpus import labelled

NONE = {
    "AR102": "not_applicable",
    "AR103": "not_applicable",
    "AR104": "not_applicable",
    "AR202": "not_applicable",
    "AR203": "not_applicable",
}
BOOKS = [("978-0-13-1", "Lease", "C4", 3), ("978-0-13-2", "Deed", "A1", 9), ("978-0-13-3", "Will", "C4", 1)]


class Base(DeclarativeBase):
    pass


class Book(Base):
    __tablename__ = "books"
    isbn: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    shelf: Mapped[str]
    copies: Mapped[int]


engine = sqlalchemy.create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
Base.metadata.create_all(engine)
Session = sessionmaker(engine)
with Session.begin() as begun:
    begun.add_all(Book(isbn=isbn, title=title, shelf=shelf, copies=copies) for isbn, title, shelf, copies in BOOKS)


class Library:
    """Opened once, as the process begins."""

    def __init__(self, shelf: str = ":memory:") -> None:
        self.connection = sqlite3.connect(shelf, check_same_thread=False)
        self.connection.row_factory = sqlite3.Row
        self.connection.execute("CREATE TABLE books (isbn TEXT PRIMARY KEY, title TEXT, shelf TEXT, copies INTEGER)")
        self.connection.executemany("INSERT INTO books VALUES (?, ?, ?, ?)", BOOKS)
        self.connection.commit()

    def rows(self, question: str, *values: Any) -> list[sqlite3.Row]:
        return self.connection.execute(question, values).fetchall()


library = Library()


# --- the fault ---------------------------------------------------------------------------------------------------------


@labelled(args={"shelf": "C4"}, backend={}, **NONE, AR304="failed")
def titles_by_a_session(shelf: str) -> ToolResult:
    """Titles on a shelf, by the connection of a pool."""
    with Session() as session:
        return ToolResult.success(list(session.scalars(sqlalchemy.select(Book.title).where(Book.shelf == shelf))))


@labelled(args={"shelf": "C4"}, backend={}, **NONE, AR304="failed")
def titles_by_an_object(shelf: str) -> ToolResult:
    """Titles on a shelf, by the connection of an object."""
    return ToolResult.success([row["title"] for row in library.rows("SELECT title FROM books WHERE shelf = ?", shelf)])


def made(connection: sqlite3.Connection) -> Callable[..., ToolResult]:
    def first_title(shelf: str) -> ToolResult:
        """The first title on a shelf."""
        row = connection.execute("SELECT title FROM books WHERE shelf = ? LIMIT 1", (shelf,)).fetchone()
        return ToolResult.success(row[0] if row else None)

    return first_title


labelled(args={"shelf": "C4"}, backend={}, **NONE, AR304="failed")(made(Library().connection))


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(args={"shelf": "C4"}, backend={}, **NONE, AR304="passed")
def titles_by_the_alphabet(shelf: str) -> ToolResult:
    """Titles on a shelf."""
    with Session() as session:
        return ToolResult.success(sorted(session.scalars(sqlalchemy.select(Book.title).where(Book.shelf == shelf))))


@labelled(args={"shelf": "C4"}, backend={}, **NONE, AR304="not_applicable")
def titles_in_the_order_of_sqlite(shelf: str) -> ToolResult:
    """Titles on a shelf."""
    with Session() as session:
        found = session.scalars(sqlalchemy.select(Book.title).where(Book.shelf == shelf).order_by(Book.isbn))
        return ToolResult.success(list(found))


@labelled(args={"isbn": "978-0-13-2"}, backend={}, **NONE, AR304="not_applicable")
def title_of(isbn: str) -> ToolResult:
    """The title of a book: of a key there is one row."""
    with Session() as session:
        book = session.get(Book, isbn)
        return ToolResult.success(book.title if book else None)


@labelled(args={"shelf": "C4"}, backend={}, **NONE, AR304="passed")
def copies_on(shelf: str) -> ToolResult:
    """How many copies stand on a shelf: a sum of rows that may come as they like."""
    rows = library.rows("SELECT copies FROM books WHERE shelf = ?", shelf)
    counted = library.rows("SELECT COALESCE(SUM(copies), 0) FROM books WHERE shelf = ?", shelf)
    return ToolResult.success({"copies": sum(row["copies"] for row in rows), "counted": counted[0][0]})


@labelled(args={"shelf": "A1"}, backend={}, **NONE, AR304="unproven")
def titles_of_a_shelf_with_one_book(shelf: str) -> ToolResult:
    """Titles on a shelf, on which there is one: in what order several come nobody has seen."""
    return ToolResult.success([row["title"] for row in library.rows("SELECT title FROM books WHERE shelf = ?", shelf)])


names = itertools.count()


@labelled(args={"title": "Lease"}, backend={}, **NONE, AR304="unproven")
def shelf_of(title: str) -> ToolResult:
    """Where a title stands, of an empty database that the call makes: nothing comes at all."""
    with contextlib.closing(sqlite3.connect(f"file:empty{next(names)}?mode=memory&cache=shared", uri=True)) as shelves:
        shelves.execute("CREATE TABLE books (title TEXT, shelf TEXT)")
        return ToolResult.success([shelf for (shelf,) in shelves.execute("SELECT shelf FROM books WHERE title = ?", (title,))])


@labelled(args={"tag": "tea"}, backend={"redis://cache.internal:6379": {}}, AR304="unproven")
def tagged(tag: str) -> ToolResult:
    """What carries a tag, of a Redis in which nothing does."""
    try:
        store = redis.Redis(host="cache.internal", socket_timeout=2, socket_connect_timeout=2, retry=None, decode_responses=True)
        return ToolResult.success(list(store.smembers(f"tag:{tag}")))
    except redis.RedisError:
        return ToolResult.transient("The cache cannot be reached.")


@labelled(
    args={"shelf": "C4"}, backend={"postgresql://db.internal/shop": {"SELECT title": [{"title": "Lease"}]}}, kind="db", AR304="unproven"
)
def titles_of_a_server(shelf: str) -> ToolResult:
    """Titles on a shelf, by a backend that gives one."""
    try:
        with contextlib.closing(pg8000.dbapi.connect("app", host="db.internal", database="shop", timeout=3)) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT title FROM books WHERE shelf = %s", (shelf,))
            return ToolResult.success([row[0] for row in cursor.fetchall()])
    except (pg8000.dbapi.Error, OSError):
        return ToolResult.transient("The database cannot be reached.")


@labelled(
    args={"book_id": 7},
    backend={"mysql://db.internal/shop": {"SELECT title": [{"title": "Lease"}], "SELECT COALESCE": [{"copies": 3}]}},
    kind="db",
    AR304="not_applicable",
)
def book_of_a_server(book_id: int) -> ToolResult:
    """A book by its key, and how many copies there are."""
    try:
        options = {"connect_timeout": 3, "read_timeout": 3, "write_timeout": 3}
        with contextlib.closing(pymysql.connect(host="db.internal", user="app", password="", database="shop", **options)) as connection:
            with connection.cursor() as cursor:
                cursor.execute("SELECT title FROM books WHERE id = %s", (book_id,))
                (title,) = cursor.fetchone() or (None,)
                cursor.execute("SELECT COALESCE(SUM(copies), 0) AS copies FROM stock WHERE title = %s", (title,))
                return ToolResult.success({"title": title, "copies": int((cursor.fetchone() or (0,))[0])})
    except (pymysql.Error, OSError):
        return ToolResult.transient("The database cannot be reached.")
