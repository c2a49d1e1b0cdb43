"""The second doorway: the fixtures of hand-written tests, and the hook that runs such a test in its world."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

from pytest_agentready import guarded, recorder, session

if TYPE_CHECKING:
    from pytest_agentready.scene import AgentLoop, AgentTool, AgentWorld, ScriptedModel

SCENE_KEY = pytest.StashKey["AgentWorld"]()
NESTED = (
    "{name} and readiness_check cannot be used in one test: readiness_check makes worlds of its own, one for each run. Write two tests."
)


@pytest.fixture
def agent_world(request: pytest.FixtureRequest) -> AgentWorld:
    """The virtual world in which this test runs: its network, its faults and its clock."""
    from pytest_agentready.scene import AgentWorld

    if "readiness_check" in request.fixturenames:
        name = next(name for name in ("agent_tool", "agent_loop", "scripted_model", "agent_world") if name in request.fixturenames)
        pytest.fail(NESTED.format(name=name), pytrace=False)
    engine = session.collection(request.config).engine
    world = AgentWorld(lambda: engine.registry.faults, engine.allow_hosts, engine.relative, engine.grant)  # type: ignore[arg-type,return-value]
    request.node.stash[SCENE_KEY] = world
    return world


@pytest.fixture
def agent_tool(request: pytest.FixtureRequest, agent_world: AgentWorld) -> AgentTool:
    """The tool of this test's `agent_tool` mark: called as the tool itself, in the test's world, and judged by what its calls show."""
    from pytest_agentready.collect.imports import Misuse
    from pytest_agentready.collect.items import told
    from pytest_agentready.collect.marker import MARK
    from pytest_agentready.scene import AgentTool
    from pytest_agentready.scene.tool import ASKER

    if request.node.get_closest_marker(MARK) is None:
        pytest.fail(guarded.missing(request.node, ASKER, MARK), pytrace=False)
    collection, settings = session.collection(request.config), session.settings(request.config)
    try:
        tool = AgentTool(collection.marks.tool(request.node, needs_args=False), agent_world)
    except Misuse as misuse:
        pytest.fail(told(MARK, misuse), pytrace=False)
    if request.config.getoption("runxfail", False):  # pytest's way to ask for what is really the case
        settings = settings.without_waivers()

    def judge() -> str:
        complaint, results = tool.judgement(collection.engine, settings, request.node.nodeid)
        recorder.carry(request.node, results)
        return complaint

    agent_world.judge_passively = judge
    return tool


@pytest.fixture
def agent_loop(request: pytest.FixtureRequest, agent_world: AgentWorld, scripted_model: ScriptedModel) -> AgentLoop:  # noqa: ARG001
    """The loop of this test's `agent_loop` mark, called with the user's text, in the test's world and with its scripted model."""
    from pytest_agentready.collect.imports import Misuse
    from pytest_agentready.collect.items import told
    from pytest_agentready.collect.loop_marker import MARK
    from pytest_agentready.scene import AgentLoop
    from pytest_agentready.scene.loop import ASKER
    from pytest_agentready.world.joint_backend import backend_of

    if request.node.get_closest_marker(MARK) is None:
        pytest.fail(guarded.missing(request.node, ASKER, MARK), pytrace=False)
    try:
        loop = session.collection(request.config).loop_marks.loop(request.node)
    except Misuse as misuse:
        pytest.fail(told(MARK, misuse), pytrace=False)
    return AgentLoop(loop, agent_world, backend_of(loop))


@pytest.fixture
def scripted_model(agent_world: AgentWorld) -> Iterator[ScriptedModel]:
    """The model that the test's code asks, whichever provider it asks: it answers what the test tells it to, in the test's world."""
    from pytest_agentready.scene import ScriptedModel
    from pytest_agentready.world import keys

    with keys.lent():  # here already, for a fixture that makes a client
        yield ScriptedModel(agent_world)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if "agent_world" in getattr(item, "fixturenames", ()):
        recorder.carry(item, [])  # however the test ends, its report says that it is one of ours


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    __tracebackhide__ = True
    scene = pyfuncitem.stash.get(SCENE_KEY, None)
    if scene is None:
        return (yield)
    from pytest_agentready.telemetry.overhearing import listening

    del pyfuncitem.stash[SCENE_KEY]  # a rerun gets a world of its own
    # What it has of databases was made before its world begins.
    databases = [value for value in pyfuncitem.funcargs.values() if type(value).__module__.startswith(("sqlite3", "sqlalchemy"))]
    try:
        with listening(session.collection(pyfuncitem.config).engine.overheard), scene.played((pyfuncitem.obj, databases)):
            return (yield)
    except BaseException as outcome:
        raise scene.told(outcome)  # noqa: B904  (it is the same)
    finally:
        if scene.notes:  # shown where the test fails
            pyfuncitem.add_report_section("call", "agent_world", "\n".join(scene.notes))


def pytest_enter_pdb() -> None:
    if installation := sys.modules.get("pytest_agentready.world.installation"):
        installation.stand_by()
