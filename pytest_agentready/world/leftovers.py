"""What runs leave behind is collected at once, so that it is not blamed on the user's next test.

A client that meets a fault may well forget a socket. Found by the garbage collector some tests later, it would become a
ResourceWarning there, and under `-W error` a failure of an innocent test.
"""

from __future__ import annotations

import contextlib
import gc
import traceback
import warnings
import zlib
from collections.abc import Callable, Iterator

from pytest_agentready.telemetry import logs
from pytest_agentready.world.installation import prepare
from pytest_agentready.world.library import chance_kept
from pytest_agentready.world.tls import load_postponed


@contextlib.contextmanager
def collected(subject: object, experiment: str = "") -> Iterator[None]:
    """Everything older is set aside first, so that the collection looks at the runs' own objects alone.

    Each experiment has random numbers of its own, whichever others came before it.
    """
    prepare(subject)  # it looks among the older objects, too
    aside = gc.get_freeze_count() == 0  # somebody else's frozen objects are not ours to thaw
    with warnings.catch_warnings(), chance_kept(zlib.crc32(experiment.encode())):
        warnings.simplefilter("ignore", ResourceWarning)
        if aside:
            gc.freeze()
        try:
            yield
        finally:
            logs.let_go()
            gc.collect(2 if aside else 1)
            if aside:
                gc.unfreeze()
            load_postponed()  # for the contexts that are still there


@contextlib.contextmanager
def dropped(lets_go: Callable[[], bool] = lambda: False) -> Iterator[None]:
    """What is let go of here may be a client with an open connection: nobody else is to hear of it.

    `lets_go` tells afterwards whether there was anything of the kind: to look for all rings, as those of asyncio's transports, takes long.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        if lets_go():
            gc.collect()


def sweep(interrupted: BaseException | None = None) -> None:
    """After a hand-written test: the young objects alone. Where the world has ended it, also what its frames still hold."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        if interrupted is not None:
            traceback.clear_frames(interrupted.__traceback__)
        gc.collect(1 if interrupted is None else 2)
