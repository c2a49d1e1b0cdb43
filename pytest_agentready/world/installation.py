"""Puts a world in place for one run, and takes it away again, whatever happened."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Iterator
from types import ModuleType

from pytest_agentready.world import (
    active,
    aside,
    children,
    clocks,
    dates,
    event_loops,
    exits,
    foreign,
    guard,
    keys,
    loops,
    names,
    nurseries,
    pools,
    queues,
    redis_clients,
    selecting,
    sockets,
    spans,
    stack,
    surroundings,
    threads,
    tls,
    vocabularies,
    witness,
)
from pytest_agentready.world.early import EarlyNames
from pytest_agentready.world.ending import WorldEnded
from pytest_agentready.world.files import replacements as of_files
from pytest_agentready.world.foreign.net import Net
from pytest_agentready.world.intervals import begin_subject
from pytest_agentready.world.patching import Patches
from pytest_agentready.world.sqlite import replacements as of_databases
from pytest_agentready.world.watchdog import Watchdog
from pytest_agentready.world.world import World

OPTIONAL = (nurseries.CACHE, *spans.LATE, *(module for module, _, _ in guard.POOLS), *redis_clients.MODULES)
NESTED = "A virtual world runs already: call the tool itself, not the check, from inside a tool or a test with agent_world."


class NestedWorlds(RuntimeError):
    """A world was entered while another runs; one process has room for one."""


def _patches() -> Patches:
    """Made anew when one of the libraries was imported that are patched only where they are there."""
    return _patches_with(tuple(map(_executed, OPTIONAL)))


def _executed(name: str) -> ModuleType | None:
    """What is to be patched in a module may not be there as long as another thread imports it: it is asked again for the next run."""
    module = sys.modules.get(name)
    return None if getattr(getattr(module, "__spec__", None), "_initializing", False) else module


@functools.lru_cache(maxsize=2)
def _patches_with(_optional: tuple[ModuleType | None, ...]) -> Patches:
    """By the modules themselves: one that is imported anew, as after a test that has taken it out, has other classes."""
    first = (names, sockets, redis_clients, guard, children, tls, selecting, clocks, threads, queues, event_loops)
    rooms = (*first, of_files, exits, of_databases, spans)
    return Patches(patch for room in rooms for patch in room.patches())


@functools.cache
def _early_names() -> EarlyNames:
    return EarlyNames()


@functools.cache
def _watchdog() -> Watchdog:
    return Watchdog()


def _call_off(watchdog: Watchdog) -> None:
    """The run has ended just as its time was up, perhaps: an interruption on its way must not hit what restores the world."""
    try:
        watchdog.rest()
        for _ in range(3):  # it arrives at a jump backwards at the latest
            continue
    except WorldEnded:
        watchdog.rest()


def stand_by() -> None:
    """Somebody looks at the run in a debugger: it may take as long as it likes."""
    _watchdog().rest()


def prepare(subject: object) -> bool:
    """Before the runs of a subject; True for another one than before: its objects may have bound a name since."""
    stack.regard(getattr(subject, "source", ""))
    another = _early_names().look(subject)
    if another:
        begin_subject()
    return another


@contextlib.contextmanager
def installed(world: World) -> Iterator[None]:
    """The calling thread is the first member. Raises NestedWorlds."""
    if active.world is not None:
        raise NestedWorlds(NESTED)
    guard.install()
    patches, early, watchdog, net = _patches(), _early_names(), _watchdog(), Net(world)
    early.look()

    def glance() -> None:
        world.glance()
        net.look()

    with contextlib.ExitStack() as undo:
        undo.enter_context(net.spread())  # taken up last: what is put back has to find the environment of the run's own changes gone
        undo.callback(world.ledger.close)
        undo.callback(world.databases.end)
        undo.callback(world.databases.settle)
        undo.enter_context(surroundings.kept())
        if world.network.respond is not None:
            undo.enter_context(keys.lent())
        undo.enter_context(vocabularies.stood_in(wanted=world.network.respond is not None))
        world.files.begin()
        world.databases.overhear = witness.overhear
        world.databases.begin()
        undo.enter_context(aside.real_connections(world.network))
        # Dates come before the patches: time-machine reaches into the real functions, wherever it finds them.
        undo.enter_context(dates.in_step(world))
        # What takes a step back is registered before the step: whatever fails, the rest is undone.
        undo.callback(watchdog.rest)
        watchdog.watch(world.patience, world.overrun, glance)
        undo.callback(patches.restore)
        patches.install()
        loops.loop()  # from here on sockets can be made, whatever forbids them to tests
        undo.callback(early.restore)
        early.replace()
        undo.enter_context(foreign.led_in())
        undo.enter_context(pools.idle_ones_let_go())
        undo.enter_context(spans.captured(world.telemetry))
        undo.callback(active.leave)
        active.enter(world)
        undo.callback(world.close)
        world.join()
        undo.callback(_call_off, watchdog)  # before all else
        yield
