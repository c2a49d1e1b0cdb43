"""The registry finds what the plugin is made of, and says what was meant where a name is wrong."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Any

import pytest

from pytest_agentready import registry
from pytest_agentready.domain import Check, Fault, Severity, Tool
from pytest_agentready.engine import BY_KIND
from pytest_agentready.registry import Registry, UnknownName, Unloadable
from pytest_agentready.world import WireFault


@pytest.fixture
def foreign(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What third parties register: group -> the object behind their entry point."""
    found: dict[str, Any] = {}
    module = ModuleType("third_party")
    monkeypatch.setitem(sys.modules, "third_party", module)

    def entry_points(*, group: str) -> list[EntryPoint]:
        if group not in found:
            return []
        name = group.rpartition(".")[2]
        setattr(module, name, found[group])
        return [EntryPoint(name, f"third_party:{name}", group)]

    monkeypatch.setattr(registry, "entry_points", entry_points)
    return found


def a_check(id: str = "XX101") -> Check:
    check = Check(id=id, title="Odd", severity=Severity.LOW, profile="strict", fix="Mend it.", since="0.1")

    @check
    def judge(tool: Tool) -> Any:
        return ()

    return check


def test_checks_are_sorted_by_id_and_their_ids_and_slugs_are_unique() -> None:
    checks = Registry().checks
    assert [check.id for check in checks] == sorted({check.id for check in checks})
    assert len({check.slug for check in checks}) == len(checks)


def test_a_check_is_frozen_when_it_is_found() -> None:
    with pytest.raises(AttributeError, match="is frozen"):
        Registry().checks[0].title = "Another"


@pytest.mark.parametrize("name", ["AR202", "ar202", "unbounded-wait", "AR202-unbounded-wait", "Unbounded-Wait"])
def test_a_check_is_found_by_each_of_its_names(name: str) -> None:
    assert Registry().check(name).label == "AR202-unbounded-wait"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("unbounded-wiat", "AR202-unbounded-wait"),
        ("AR202-unbounded", "AR202-unbounded-wait"),
        ("AR20", "AR201-undeclared-timeout, AR202-unbounded-wait or AR203-slow-timeout"),
    ],
)
def test_an_unknown_check_says_what_was_meant_and_where_they_are_listed(name: str, meant: str) -> None:
    with pytest.raises(UnknownName) as unknown:
        Registry().check(name)
    assert str(unknown.value) == f"There is no check {name!r}. Did you mean {meant}? `pytest-agentready list` lists the checks."


def test_an_unknown_check_that_is_near_to_none_says_where_they_are_listed() -> None:
    with pytest.raises(UnknownName, match=r"^There is no check 'zzz'\. `pytest-agentready list` lists the checks\.$"):
        Registry().check("zzz")


def test_a_wider_profile_contains_the_narrower_ones() -> None:
    found = Registry()
    assert set(found.in_profile("checklist")) <= set(found.in_profile("standard")) <= set(found.in_profile("strict")) == set(found.checks)


def test_an_experiment_is_found_by_its_name() -> None:
    assert Registry().experiment("fault_matrix").__module__ == "pytest_agentready.experiments.fault_matrix"


def test_every_experiment_that_a_check_asks_for_is_there() -> None:
    found = Registry()
    asked = {BY_KIND.get(need, {}).get(kind, need) for check in found.checks for kind in check.about for need in check.needs}
    needs = asked - {"tool", "loop", "subject", "faults"}
    assert needs
    assert all(callable(found.experiment(need)) for need in needs)


def test_an_unknown_experiment_is_named() -> None:
    with pytest.raises(UnknownName, match="There is no experiment 'fault_matrx'"):
        Registry().experiment("fault_matrx")


def test_plain_python_is_the_last_adapter() -> None:
    assert Registry().adapters[-1].__module__ == "pytest_agentready.adapters.python"


def test_a_third_partys_check_is_found(foreign: dict[str, Any]) -> None:
    foreign["agentready.checks"] = a_check()
    assert Registry().checks[-1].id == "XX101"


def test_a_third_partys_module_of_a_check_is_found(foreign: dict[str, Any]) -> None:
    module = ModuleType("odd")
    module.check = a_check()  # type: ignore[attr-defined]
    foreign["agentready.checks"] = module
    assert Registry().checks[-1].id == "XX101"


def test_two_checks_with_one_id_are_refused(foreign: dict[str, Any]) -> None:
    foreign["agentready.checks"] = a_check("AR101")
    with pytest.raises(Unloadable, match=r"claims AR101, which pytest_agentready\.checks\.untyped_result has already"):
        _ = Registry().checks


def test_what_is_no_check_is_refused(foreign: dict[str, Any]) -> None:
    foreign["agentready.checks"] = 7
    with pytest.raises(Unloadable, match="holds no Check"):
        _ = Registry().checks


def test_a_check_without_a_judge_is_refused(foreign: dict[str, Any]) -> None:
    foreign["agentready.checks"] = Check(id="XX1", title="Odd", severity=Severity.LOW, profile="strict", fix="Mend it.", since="0.1")
    with pytest.raises(Unloadable, match="is not finished: XX1 has no judge"):
        _ = Registry().checks


@pytest.mark.parametrize("many", [False, True])
def test_a_third_partys_faults_come_after_our_own(foreign: dict[str, Any], many: bool) -> None:
    own = Registry().faults
    odd = WireFault("odd", "the peer is odd", "status")
    foreign["agentready.faults"] = [odd] if many else odd
    assert Registry().faults == (*own, odd)


@pytest.mark.parametrize(
    ("odd", "told"),
    [
        (Fault("odd", "the peer is odd", "status"), "which is no WireFault"),
        (7, "holds 7, which is no WireFault"),
        (WireFault("response-hang", "the peer is odd", "silence"), "claims the fault 'response-hang', which is there already"),
    ],
)
def test_what_is_no_fault_of_its_own_is_refused(foreign: dict[str, Any], odd: object, told: str) -> None:
    foreign["agentready.faults"] = odd
    with pytest.raises(Unloadable, match=told):
        _ = Registry().faults


def adapter(adapt: Any) -> ModuleType:
    module = ModuleType("odd")
    module.adapt = adapt  # type: ignore[attr-defined]
    return module


def test_a_third_partys_adapter_comes_first_and_is_asked_before_plain_python(foreign: dict[str, Any]) -> None:
    tool = Tool("odd", call=print, is_async=False, source="", framework="odd")
    foreign["agentready.adapters"] = adapter(lambda obj: tool if obj == "odd" else None)
    found = Registry()
    assert [adapt("odd") for adapt in found.adapters if adapt("odd")] == [tool]
    assert found.framework_adapters == found.adapters[:-1]
    assert found.adapters[0]("odd") is tool


def test_an_adapter_that_fails_or_gives_something_else_is_named(foreign: dict[str, Any]) -> None:
    foreign["agentready.adapters"] = adapter(lambda obj: {}["no"] if obj == "raise" else "no tool")
    adapt = Registry().adapters[0]
    with pytest.raises(Unloadable, match=r"'adapters' of agentready.adapters .* could not read 'raise': KeyError\('no'\)"):
        adapt("raise")
    with pytest.raises(Unloadable, match="made 'no tool' of 'x': an adapter gives a Tool, or None"):
        adapt("x")


def test_an_adapter_without_its_function_is_refused(foreign: dict[str, Any]) -> None:
    foreign["agentready.adapters"] = ModuleType("odd")
    with pytest.raises(Unloadable, match="has no function `adapt`"):
        _ = Registry().adapters


def test_an_entry_point_that_cannot_be_loaded_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = EntryPoint("odd", "no_such_module:check", "agentready.checks")
    monkeypatch.setattr(registry, "entry_points", lambda *, group: [broken])
    with pytest.raises(Unloadable, match=r"the entry point 'odd' of agentready.checks \(no_such_module:check\) cannot be loaded"):
        _ = Registry().checks
