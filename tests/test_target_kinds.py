"""What may stand behind a target, what is a tool in it, and what is said where there is none."""

from __future__ import annotations

import pytest

from tests.project import PASS, Project

READY = 'return {"status": "success"}'


@pytest.fixture
def shop(project: Project) -> Project:
    project.check("no-hang", PASS)
    return project


def subjects(project: Project, *targets: str, **modules: str) -> list[str]:
    """Write the modules, and say which tools are collected for the targets; one that cannot be called ends in `!`."""
    if modules:
        project.pytester.makepyfile(**modules)
    args = [arg for target in targets for arg in ("--agentready-tools", target)]
    result = project.run("--collect-only", "-q", *args)
    assert result.ret == pytest.ExitCode.OK
    nodes = [line.split("::") for line in result.outlines if line.startswith("agentready::")]
    return [f"{name}{'!' * (check == 'agentready_tools')}" for _, name, check in nodes]


def refusal(project: Project, target: str, **modules: str) -> str:
    project.pytester.makepyfile(**modules)
    result = project.run("--agentready-tools", target)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines([f"ERROR agentready::{target}*"])
    lines = result.outlines
    start = next(number for number, line in enumerate(lines) if "ERROR collecting agentready" in line)
    end = next(number for number, line in enumerate(lines) if "short test summary" in line)
    return "\n".join(lines[start + 1 : end])


def test_of_a_module_the_public_functions_that_it_defines_are_tools(shop: Project) -> None:
    found = subjects(
        shop,
        "desk",
        desk=f"""
            import functools
            from json import dumps
            from typing import TypeVar
            import pytest
            from shop.tools import list_orders
            from shop.tools import send_email as _send

            T = TypeVar("T")
            LIMIT = 5

            def open_desk(): {READY}
            async def open_later(): {READY}
            def _private(): {READY}
            def test_desk(): {READY}

            class Desk:
                def open(self): {READY}

            class DeskClosed(Exception):
                pass

            @pytest.fixture
            def desk(): {READY}

            @functools.lru_cache
            def cached(): {READY}

            write = functools.partial(_send, "ada@example.com")
            greet = lambda: {{"status": "success"}}
            """,
    )
    assert found == ["desk.open_desk", "desk.open_later", "desk.cached", "shop.tools.send_email", "desk.greet"]


def test_all_decides_what_is_public(shop: Project) -> None:
    source = """
        from shop.tools import list_orders
        __all__ = ["list_orders", "_hidden", "Desk"]
        def _hidden(): pass
        def other(): pass
        class Desk: pass
        """
    assert subjects(shop, "desk", desk=source) == ["shop.tools.list_orders", "desk._hidden"]


def test_a_name_of_all_that_is_missing_is_told(shop: Project) -> None:
    told = refusal(shop, "desk", desk="__all__ = ['opne']\ndef open(): pass\n")
    assert told == "'desk': desk.__all__ lists 'opne', which is not there. Did you mean 'open'?"


def test_a_decorator_of_another_module_that_hides_its_function_does_not_hide_the_tool(shop: Project) -> None:
    decorators = "def traced(function):\n    def wrapper():\n        return function()\n    return wrapper\n"
    source = """
        from decorators import traced
        from shop.tools import list_orders
        @traced
        def one(): pass
        @traced
        def two(): pass
        list_orders = traced(list_orders)
        """
    assert subjects(shop, "desk", decorators=decorators, desk=source) == ["desk.list_orders", "desk.one", "desk.two"]


def test_where_a_module_has_registries_they_alone_are_read(shop: Project) -> None:
    found = subjects(
        shop,
        "desk",
        desk=f"""
            from shop.tools import list_orders, send_email
            def helper(): {READY}
            def one(): {READY}
            def two(): {READY}
            def three(): {READY}
            LIMITS = {{"one": 1}}
            KINDS = [int, str]
            MIXED = [one, 5]
            TOOLS = {{"one": one, "orders": list_orders}}
            MORE = [{{"function": two, "description": "The second."}}]

            class Registry:
                def __init__(self):
                    self._tools = {{}}
                def add(self, function):
                    self._tools[function.__name__] = function

            registry = Registry()
            registry.add(three)
            empty = Registry()
            """,
    )
    assert found == ["desk.one", "shop.tools.list_orders", "desk.two", "desk.three"]


@pytest.mark.parametrize("held", ["{'a': one, 'b': two}", "[one, two]", "(one, two)", "{one, two}", "frozenset([one, two])"])
@pytest.mark.parametrize("name", ["", ".tools", ".registry", "._tools"])
def test_a_registry_is_a_collection_or_an_object_that_holds_one(shop: Project, held: str, name: str) -> None:
    source = f"def one(): {READY}\ndef two(): {READY}\nclass Holder: pass\nTOOLS = Holder()\nTOOLS{name} = {held}\n"
    assert sorted(subjects(shop, "desk:TOOLS", desk=source)) == ["desk.one", "desk.two"]


def test_one_attribute_is_one_tool_however_deep_it_lies(shop: Project) -> None:
    source = f"""
        import functools
        class Desk:
            def open(self): {READY}
            @staticmethod
            def ring(): {READY}
            @classmethod
            def count(cls): {READY}
        class Robot:
            tools = None
            def __call__(self): {READY}
        class Office:
            desk = Desk()
        robot = Robot()
        ring = functools.partial(Desk.ring)
        """
    targets = ["desk:Office.desk.open", "desk:Desk.ring", "desk:Desk.count", "desk:robot"]
    assert subjects(shop, *targets, desk=source) == ["desk.Desk.open", "desk.Desk.ring", "desk.Desk.count", "desk.Robot.__call__"]


def test_a_class_that_needs_nothing_and_an_object_give_their_public_methods(shop: Project) -> None:
    source = f"""
        import threading
        class Base:
            def ring(self): {READY}
        class Desk(Base, threading.Thread):
            name_of_desk = property(lambda self: 1 / 0)
            class Drawer: pass
            def open(self): {READY}
            def _close(self): {READY}
            @staticmethod
            def clean(): {READY}
            @classmethod
            def count(cls): {READY}
        desk = Desk()
        """
    methods = ["desk.Desk.open", "desk.Desk.clean", "desk.Desk.count", "desk.Base.ring"]
    assert subjects(shop, "desk:Desk", desk=source) == methods
    assert subjects(shop, "desk:desk") == methods


def test_a_method_of_a_class_that_a_test_marks_is_not_examined_twice(shop: Project) -> None:
    shop.tests("import desk\n@pytest.mark.agent_tool(tool=desk.Desk().open)\ndef test_open(readiness_check):\n    readiness_check()\n")
    assert subjects(shop, "desk:Desk", desk=f"class Desk:\n    def open(self): {READY}\n    def ring(self): {READY}\n") == [
        "desk.Desk.ring"
    ]


def test_two_tools_of_one_name_are_told_apart_by_key_or_number(shop: Project) -> None:
    source = f"""
        from functools import partial
        def fetch(region): {READY}
        def make():
            def call(): {READY}
            return call
        NAMED = {{"eu west": partial(fetch, "eu"), "us": partial(fetch, "us"), "other": fetch, "made": make(), "lambda": lambda: 1}}
        LISTED = [make(), make(), lambda: 2]
        """
    assert subjects(shop, "desk:NAMED", "desk:LISTED", desk=source) == [
        "desk.fetch-eu_west",
        "desk.fetch-us",
        "desk.fetch-other",
        "desk.NAMED.made",
        "desk.NAMED.lambda",
        "desk.make.call-1",
        "desk.make.call-2",
        "desk.LISTED.3",
    ]


def test_a_name_does_not_depend_on_which_tests_are_collected(shop: Project) -> None:
    source = f"""
        from functools import partial
        def fetch(region): {READY}
        eu = partial(fetch, "eu")
        TOOLS = {{"eu": eu, "us": partial(fetch, "us"), "europe": eu}}
        """
    assert subjects(shop, "desk:TOOLS", desk=source) == ["desk.fetch-eu", "desk.fetch-us"]
    shop.tests("import desk\n@pytest.mark.agent_tool(tool=desk.eu)\ndef test_eu(readiness_check):\n    readiness_check()\n")
    assert subjects(shop, "desk:TOOLS") == ["desk.fetch-us"]


def test_a_tool_whose_arguments_cannot_be_made_is_one_error_that_says_what_to_give(shop: Project) -> None:
    shop.pytester.makepyfile(desk=f"class Session: pass\ndef save(session: Session): {READY}\ndef open_desk(): {READY}\n")
    result = shop.run("--agentready-tools", "desk")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        ["*ERROR at setup of desk.save agentready_tools*", "agentready_tools: *save*session*@pytest.mark.agent_tool(*"]
    )
    assert {result["outcome"]: result["subject"] for result in shop.report("--agentready-tools", "desk")["results"]} == {
        "passed": "desk.open_desk",
        "error": "desk.save",
    }


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("nowhere", "there is no module 'nowhere'. Mind the spelling, and that pytest's `pythonpath` setting names its folder."),
        ("shop.tols", "'shop.tols': there is no module 'shop.tols'. Did you mean 'shop.tools'?"),
        ("shop.tools:send_mail", "'shop.tools:send_mail': shop.tools has no 'send_mail'. Did you mean 'send_email'?"),
        ("shop", "'shop': shop has no tools: no function of its own and no registry. Name the module that has them: shop.tools."),
        ("desk:LIMIT", "'desk:LIMIT' is 5: no callable, and it holds none. Name a function, a registry, or an object with methods."),
        ("desk:EMPTY", "'desk:EMPTY' holds no tools: it is empty when its module has been imported."),
        ("desk:MIXED", "'desk:MIXED': its entry 2 is 5, and no tool.\n'desk:MIXED': its entry 3 is <class 'int'>, and no tool."),
        ("desk:Desk", "'desk:Desk' is a class, and Desk(key) cannot be made: missing a required argument: 'key'. Name an object that *"),
        ("desk:Closed", "'desk:Closed' is a class, and Closed() raised OSError: shut (*desk.py:7). Name an object that is ready*"),
        ("desk:Desk.open", "Desk.open is a method without its object. Name that of an object, such as tool=Desk(...).open."),
    ],
)
def test_a_target_behind_which_there_is_nothing_is_an_error(shop: Project, target: str, told: str) -> None:
    source = """
        class Desk:
            def __init__(self, key): pass
            def open(self): pass

        class Closed:
            def __init__(self):
                raise OSError("shut")

        LIMIT, EMPTY, MIXED = 5, {}, [len, 5, int]
        """
    found = refusal(shop, target, desk=source)
    pytest.LineMatcher(found.splitlines()).fnmatch_lines([f"*{line}" for line in told.splitlines()])


def test_a_coroutine_is_no_tool_and_leaves_no_warning(shop: Project) -> None:
    told = refusal(shop, "desk:later", desk="async def nothing(): pass\nlater = nothing()\n")
    assert told.startswith("'desk:later' is <coroutine object nothing at ")
    assert told.endswith(": no callable, and it holds none. Name a function, a registry, or an object with methods.")


def test_a_module_that_breaks_shows_its_traceback_once_and_the_other_targets_go_on(shop: Project) -> None:
    shop.pytester.makepyfile(broken="import os\nKEY = os.environ['NO_SUCH_KEY_HERE']\n", desk=f"def one(): {READY}\n")
    targets = ["--agentready-tools", "broken", "--agentready-tools", "broken:TOOLS", "--agentready-tools", "desk"]
    result = shop.run(*targets)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["'broken': broken cannot be imported", "Traceback*", '  File "*broken.py", line 2, in <module>'])
    result.stdout.fnmatch_lines(["'broken:TOOLS': broken cannot be imported, as another target has shown."])
    assert result.stdout.str().count("Traceback") == 1
    assert "importlib" not in result.stdout.str()
    shop.run(*targets, "--continue-on-collection-errors").assert_outcomes(passed=1, errors=2)
