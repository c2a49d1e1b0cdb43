"""From an import string to the object that it names, and what to say where there is none."""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
import sys
import sysconfig
import traceback
from types import ModuleType

from pytest_agentready.domain import did_you_mean
from pytest_agentready.world import vocabularies

FOLDER = " Mind the spelling, and that pytest's `pythonpath` setting names its folder."


class Misuse(Exception):
    """Something that the user wrote cannot be used; the arguments say what, and what to write instead."""


class BrokenImport(Misuse):
    """A module is there, and raised when it was imported."""

    def __init__(self, name: str, module_name: str, failure: BaseException, remedy: str = "") -> None:
        super().__init__(f"{name!r}: importing {module_name} raised {raised(failure)}{': ' if remedy else ''}{remedy}")
        self.failure = failure


def imported(name: str) -> object:
    """What `module:attr` names. Raises Misuse."""
    module_name, _, path = name.partition(":")
    if not all(part.isidentifier() for part in (*module_name.split("."), *path.split("."))):
        stem, _, last = name.replace(":", ".").rpartition(".")
        example = f"{stem}:{last}" if stem and last else "shop.tools:send_email"
        raise Misuse(f"{name!r} is no import string. Write module:name, such as {example!r}")
    return attribute(module(module_name, name), path, name)


def module(module_name: str, name: str) -> ModuleType:
    """The module; `name` is how the user spelt what needs it. Raises Misuse."""
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as failure:
        if not failure.name or not f"{module_name}.".startswith(f"{failure.name}."):
            raise BrokenImport(name, module_name, failure) from failure
        package = sys.modules.get(failure.name.rpartition(".")[0])
        beside = [f"{package.__name__}.{info.name}" for info in pkgutil.iter_modules(package.__path__)] if package else []
        remedy = did_you_mean(failure.name, beside) or FOLDER
        raise Misuse(f"{name!r}: there is no module {failure.name!r}.{remedy}") from failure
    except (Exception, SystemExit) as failure:
        if vocabularies.is_missed_by(failure):
            with contextlib.suppress(Exception, SystemExit), vocabularies.stood_in():
                return importlib.import_module(module_name)
            raise BrokenImport(name, module_name, failure, vocabularies.REMEDY) from failure
        raise BrokenImport(name, module_name, failure) from failure


def attribute(found: object, path: str, name: str) -> object:
    """What a dotted path below an object names. Raises Misuse."""
    owner = name.partition(":")[0]
    for part in path.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise Misuse(f"{name!r}: {owner} has no {part!r}.{did_you_mean(part, dir(found))}") from None
    return found


def raised(failure: BaseException) -> str:
    """`KeyError: 'API_KEY' (shop/tools.py:3)`: the user's own line, for there is no traceback beside it."""
    if isinstance(failure, SyntaxError):
        where = f"{failure.filename}:{failure.lineno}"
        return f"{type(failure).__name__}: {failure.msg} ({where})"
    library = (sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), "<", __file__)
    frames = [frame for frame in traceback.extract_tb(failure.__traceback__) if not frame.filename.startswith(library)]
    where = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    return f"{type(failure).__name__}: {failure}{where}"


def sentence(problem: str) -> str:
    """With a full stop; a question and a traceback end as they are."""
    return problem if "\n" in problem or problem.endswith(("?", ".")) else f"{problem}."


def traced(failure: BaseException) -> str:
    """The traceback from the module's own first line on: how we and the import system got there is of no interest."""
    trace = failure.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith((__file__, "<frozen importlib", importlib.__file__)):
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(failure), failure, trace)).rstrip()
