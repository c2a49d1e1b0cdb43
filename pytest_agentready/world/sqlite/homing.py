"""A connection of the run's own world is led to where its statements may go, and home again when the run is over."""

from __future__ import annotations

from _thread import get_ident

from pytest_agentready.world.sqlite.leading import lead
from pytest_agentready.world.sqlite.watched import Watched
from pytest_agentready.world.sqlite.ways import home_of


def has_begun(connection: Watched) -> bool:
    """Has the code begun a transaction on it, outside of a run? Without autocommit, each connection is in one from the start."""
    return connection.in_transaction and (connection.total_changes > 0 or getattr(connection, "autocommit", True) is not False)


def lead_to(connection: Watched, name: str, is_uri: bool) -> None:
    if connection.thread != get_ident() and connection.options.get("check_same_thread", True):
        connection.options = {**connection.options, "check_same_thread": False}  # else it would be this thread's from here on
    lead(connection, name, is_uri, connection.options)
    connection.be_heard()
    connection.set_again()


def lead_home(connection: Watched, name: str, is_uri: bool) -> None:
    """To the real database. Where there is none, none is made: what the run has kept then has one in memory."""
    home = home_of(name, is_uri)
    lead_to(connection, home or ":memory:", bool(home))
    if not home:
        connection.define_again()
