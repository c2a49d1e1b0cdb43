"""Which world runs, and whether the calling thread takes part in it.

One world runs in a process at a time. What it replaces is replaced for all threads, but time is virtual only for its
members: the thread that entered it, and those that it sets to work. pytest, coverage and exporters stay in real time.
"""

from __future__ import annotations

from _thread import get_ident

from pytest_agentready.world import runs
from pytest_agentready.world.world import World

world: World | None = None


def mine() -> World | None:
    """The world of which the calling thread is a member, if there is one."""
    if world is None:
        return None
    ident = get_ident()
    return world if ident in world.time.members and ident not in runs.bypassing else None


def enter(entered: World) -> None:
    """It runs from here on."""
    global world
    world = runs.current = entered


def leave() -> None:
    global world
    world = runs.current = None
