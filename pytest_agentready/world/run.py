"""observe(call) -> Run: one call of the user's code in one world, and the frozen record of it."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import _thread
import asyncio
import contextlib
import copy
import inspect
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from pytest_agentready.domain import ADDRESS, Ending, Raised, Respond, Run
from pytest_agentready.telemetry.capture import rooted
from pytest_agentready.world import active, loops, real, stack
from pytest_agentready.world.backend import Backend
from pytest_agentready.world.ending import OutboundBlocked, WorldEnded, calm_down
from pytest_agentready.world.installation import installed
from pytest_agentready.world.limits import Limits
from pytest_agentready.world.records import recorded
from pytest_agentready.world.refusals import is_refusal
from pytest_agentready.world.wire import WireFault
from pytest_agentready.world.world import World

T = TypeVar("T")
# Slips of the code, as opposed to a report of the failure.
ACCIDENTS = (
    KeyError,
    IndexError,
    AttributeError,
    TypeError,
    NameError,
    UnboundLocalError,
    RecursionError,
    AssertionError,
    ArithmeticError,  # a division by zero, a number that is too large, a NaN that Decimal is to compare
    UnicodeError,
)

_interrupts: list[int] = []  # that the user has sent in this run


def observe(
    call: Callable[..., Any],
    arguments: Mapping[str, Any],
    *,
    backend: object = None,
    fault: WireFault | None = None,
    spared: int = 0,
    limits: Limits | None = None,
    respond: Respond | None = None,
) -> Run:
    """Call the tool with these arguments, async or not, in a world with this fault, from request `spared` on.

    `backend` is a `Backend` as the tool's facts have it; None: nobody answers well. `respond` is the model that the providers
    of models ask; None: they answer as any other host. Raises BackendFailed, and what is our own failure.
    """
    if asyncio._get_running_loop() is not None:  # an async test: its thread's loop is taken
        return in_a_thread(lambda: observe(call, arguments, backend=backend, fault=fault, spared=spared, limits=limits, respond=respond))
    world = World(fault, backend if isinstance(backend, Backend) else Backend(), limits or Limits(), spared, respond=respond)
    start, handled = real.perf_counter(), sys.exc_info()[1]
    run = Run(dict(arguments), fault, spared)
    with entered(world):
        try:
            run = carried_out(call, run)
            world.call_ended()
        except WorldEnded:  # the watchdog's word was on its way when the call had ended already
            world.call_ended()
        calm_down(handled)
        run = replace(run, virtual=world.time.now)
        world.settle()
    return recorded(world, run, real.perf_counter() - start)


@contextlib.contextmanager
def entered(world: World) -> Iterator[None]:
    """The calling thread is in this world, and brings it to its end. Raises BackendFailed, and the user's own KeyboardInterrupt."""
    with _interrupts_noticed(), installed(world):
        yield
        loops.tidy()
        calm_down()
        world.finished = True
    loops.drain()
    if interrupted():
        raise KeyboardInterrupt
    if world.network.own_failure is not None:
        raise world.network.own_failure
    if world.network.backend_failure is not None:
        raise world.network.backend_failure


def carried_out(call: Callable[..., Any], run: Run) -> Run:
    """One call to its end, well or not."""
    try:
        with rooted():
            value = call(**copied(run.arguments))
            run = replace(run, awaited=inspect.isawaitable(value) or inspect.isasyncgen(value))
            value = finished(value)
    except WorldEnded:
        return run  # the timeline knows why
    except OutboundBlocked as blocked:
        return replace(run, ending=Ending("blind", str(blocked), where=stack.of_traceback(blocked.__traceback__)))
    except BaseException as error:  # SystemExit and KeyboardInterrupt of the tool's own are findings
        if type(error).__module__.startswith("_pytest."):  # pytest's own word, such as a timeout's: not the tool's
            raise
        return replace(run, raised=raised_by(error))
    return replace(run, value=value)


stack.edges.add(carried_out.__code__)


def finished(value: Any) -> Any:
    """What a call gives in the end: a coroutine is driven, a generator drained."""
    if inspect.isawaitable(value):
        value = loops.drive(value)
    if inspect.isgenerator(value):
        return list(value)
    if inspect.isasyncgen(value):
        return loops.drive(awaited(value))
    return value


async def awaited(value: Any) -> Any:
    """As `finished`, in a loop that runs."""
    if inspect.isawaitable(value):
        value = await value
    if inspect.isgenerator(value):
        return list(value)
    return [part async for part in value] if inspect.isasyncgen(value) else value


def copied(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The tool may change what it is given; the record, and the next run, shall not."""
    try:
        return copy.deepcopy(dict(arguments))
    except Exception:  # a database connection, say
        return dict(arguments)


def raised_by(error: BaseException) -> Raised:
    """What the record says of an exception that left the code under examination."""
    cls = type(error)
    module = "" if cls.__module__ == "builtins" else f"{cls.__module__}."
    return Raised(
        kind=f"{module}{cls.__qualname__}",
        message=ADDRESS.sub("", str(error)),
        where=stack.of_traceback(error.__traceback__),
        fatal=not isinstance(error, Exception),
        refusal=is_refusal(error),
        accidental=isinstance(error, ACCIDENTS) or (isinstance(error, ValueError) and ("JSON" in cls.__qualname__ or _is_about_nul(error))),
    )


def _is_about_nul(error: ValueError) -> bool:
    """The system's functions take no text with a NUL, and say so with a mere ValueError."""
    return str(error) in ("embedded null byte", "embedded null character")


def interrupted() -> bool:
    """Has the user asked for the end of the session, since the run began?"""
    return bool(_interrupts)


@contextlib.contextmanager
def _interrupts_noticed() -> Iterator[None]:
    """A KeyboardInterrupt that the tool raises is a finding; one that the user sends ends the session."""
    _interrupts.clear()
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = _signal.getsignal(signal.SIGINT)  # the C functions: those of `signal` make enums of what they are given and give

    def notice(number: int, frame: Any) -> None:
        _interrupts.append(number)
        if callable(handler):
            handler(number, frame)

    _signal.signal(signal.SIGINT, notice)
    try:
        yield
    finally:
        if handler is not None:  # it was set by C code, which alone can put it back
            _signal.signal(signal.SIGINT, handler)


def in_a_thread(work: Callable[[], T]) -> T:
    """For a caller whose own thread runs a loop."""
    found: list[T] = []
    failed: list[BaseException] = []
    done = _thread.allocate_lock()  # an interrupted join() takes the thread for one that has ended
    done.acquire()

    def go() -> None:
        try:
            found.append(work())
        except BaseException as failure:  # handed on to the thread that asked
            failed.append(failure)
        finally:
            done.release()

    thread = threading.Thread(target=go, name="agentready-run")
    with _interrupts_noticed():  # which the main thread alone is told
        real.thread_start(thread)
        try:
            done.acquire()
        except KeyboardInterrupt:
            if active.world is not None:
                active.world.overrun()
            done.acquire()
    real.thread_join(thread)
    if interrupted():
        raise KeyboardInterrupt
    if failed:
        raise failed[0]
    return found[0]
