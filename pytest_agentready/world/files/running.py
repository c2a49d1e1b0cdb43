"""The files of the run that the calling thread takes part in."""

from __future__ import annotations

from pytest_agentready.world import active
from pytest_agentready.world.files.files import Files


def mine() -> Files | None:
    """The files of the calling thread's run; None outside of one."""
    world = active.mine()
    return None if world is None else world.files


def stirred() -> Files | None:
    """Those, once the run has changed some: until then what only looks is the system's own function."""
    world = active.world
    if world is None or not world.files.stirred or active.mine() is None:
        return None
    return world.files
