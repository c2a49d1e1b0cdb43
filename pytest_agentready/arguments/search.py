"""Lets hypothesis look for a call that does harm, and shrink it: the same each time, few calls, and nothing of it is left behind.

Newer versions of hypothesis also try the constants of the modules that happen to be loaded. They are kept from it, for the same
tool is to get the same calls whoever else was imported. Neither the user's profile nor the database, the statistics or the
directory of hypothesis have a part in it.
"""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, TypeVar

import hypothesis
import hypothesis.configuration
from hypothesis import HealthCheck, Phase, Verbosity
from hypothesis._settings import local_settings
from hypothesis.errors import HypothesisWarning, NoSuchExample, Unsatisfiable
from hypothesis.statistics import collector
from hypothesis.strategies import SearchStrategy

Found = TypeVar("Found")


class Enough(BaseException):
    """Ends the search at once: there is no more to be spent, or something happened that it must not swallow."""


def smallest(strategy: Callable[[], SearchStrategy[Found] | None], harmful: Callable[[Found], bool], examples: int) -> Found | None:
    """The simplest of what does harm, found among `examples` drawn ones at most and shrunk, or None.

    `harmful` may raise Enough, and is asked for the same more than once. Everything else that it raises goes through.
    """
    best: list[Found] = []
    trouble: list[BaseException] = []

    def judged(drawn: Found) -> bool:
        try:
            harm = harmful(drawn)
        except BaseException as raised:
            trouble.append(raised)
            raise Enough from raised  # of an Exception hypothesis would make a finding
        if harm:
            best[:] = [drawn]
        return harm

    settings = _settings(examples)
    with _undisturbed(settings), contextlib.suppress(Enough, NoSuchExample, Unsatisfiable):
        if (made := strategy()) is not None:
            hypothesis.find(made, judged, settings=settings, random=Random(0))
    if trouble and not isinstance(trouble[0], Enough):
        raise trouble[0]
    return best[0] if best else None


def _settings(examples: int) -> hypothesis.settings:
    return hypothesis.settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        verbosity=Verbosity.quiet,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
        backend="hypothesis",
    )


@contextlib.contextmanager
def _undisturbed(settings: hypothesis.settings) -> Iterator[None]:
    """The examined test may itself be one of hypothesis: its settings and its statistics are set aside."""
    with warnings.catch_warnings(), local_settings(settings), collector.with_value(None), _strangers_unseen(), _nothing_stored():
        warnings.simplefilter("ignore", HypothesisWarning)
        yield


@contextlib.contextmanager
def _nothing_stored() -> Iterator[None]:
    """Tables of characters would be kept in the user's directory: there is none for the time, and hypothesis makes do without."""
    before = vars(hypothesis.configuration).get("__hypothesis_home_directory")
    hypothesis.configuration.set_hypothesis_home_dir(os.devnull)
    try:
        yield
    finally:
        hypothesis.configuration.set_hypothesis_home_dir(before)


@contextlib.contextmanager
def _strangers_unseen() -> Iterator[None]:
    """What hypothesis knows of the loaded modules, in the versions that look at them."""
    module: Any = sys.modules.get("hypothesis.internal.conjecture.providers")
    before = {name: getattr(module, name) for name in ("_get_local_constants", "CONSTANTS_CACHE") if hasattr(module, name)}
    if len(before) == 2:
        nothing = type(module.GLOBAL_CONSTANTS)()
        module._get_local_constants = lambda: nothing
        module.CONSTANTS_CACHE = type(module.CONSTANTS_CACHE)(1024)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(module, name, value)
