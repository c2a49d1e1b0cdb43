"""A conversation in a world in whose texts somebody has planted words: in the answers of the peers, and in documents on this machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pytest_agentready.domain import Conversation, Loop, Respond, Turn
from pytest_agentready.experiments.conversing import QUESTION, afresh, limits_of, turn
from pytest_agentready.world import Stay, stay
from pytest_agentready.world.joint_backend import backend_of
from pytest_agentready.world.planted import Planted, Seed
from pytest_agentready.world.planted_files import ROWS, documents, plant


@dataclass(frozen=True, slots=True)
class Sown:
    """What came of it."""

    conversation: Conversation
    sources: tuple[str, ...]  # in whose texts the words stood
    documents: tuple[str, ...]  # that the loop opened


def converse_among(
    loop: Loop, respond: Respond, seed: Seed, *texts: str, files: tuple[str, ...] = (), until: Callable[[], bool] = lambda: False
) -> Sown:
    """One turn for each text; the seed's words stand in all answers, and in these files, which are the run's own. Raises BackendFailed."""
    backend = Planted(backend_of(loop), seed)

    def visit(world: Stay) -> Sown:
        texts_here = {"places": files, "connections": world.connections, "seed": seed}
        changed = world.call(plant, texts_here).value if files or world.connections else []
        world.watch_files()
        turns: list[Turn] = []
        for text in texts or (QUESTION,):
            turns.append(turn(world, loop, text))
            if world.over or until():
                break
        found_here = changed if isinstance(changed, list) else []
        # A module may hold a database that this conversation has nothing to do with.
        sources = tuple(source for source in (*backend.sources, *found_here) if source != ROWS or not backend.sources)
        return Sown(Conversation(tuple(turns)), sources, documents(world.opened))

    with afresh(loop):
        return stay(visit, backend=backend, limits=limits_of(loop), respond=respond)
