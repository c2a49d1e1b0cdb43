"""The healthy warm-up: the tool is called once with each set of arguments, and everything answers as it should.

It comes first: it does the imports that a library puts off to its first use, says whom the tool talks to, and shows the
normal answer that the answers under a fault are compared with.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pytest_agentready.domain import ASKS, CONFIRM, NormalCall, Run, Tool, Unjudgeable, read, shortened, some_of
from pytest_agentready.experiments import programs
from pytest_agentready.experiments.calling import CannotConfirm, called, memory_kept, shut
from pytest_agentready.experiments.reach import blind_spots, mocked
from pytest_agentready.world import BackendFailed, Limits, foreign, mocks, observe
from pytest_agentready.world.stdio import muted
from pytest_agentready.world.unanswered import misnamed, unanswered, unspoken

PATIENCE = Limits(attempts=1_000, turns=20_000)  # a healthy tool may well send many requests


SHOWN = 120  # characters of an answer
PROCESS = re.compile(r"a process \((.+)\)", re.DOTALL)
ONE_WORD = re.compile(r"[^\s;&|<>`$()]+")  # and no line for a shell
GREETING = {
    "21": "FTP",
    "22": "SSH",
    "110": "POP3",
    "143": "IMAP",
    "993": "IMAP",
    "995": "POP3",
}  # servers that speak first, and the world does not


def run(tool: Tool) -> NormalCall:
    with foreign.led_in():  # it shows which clients cannot be
        blind = blind_spots(tool)
    if tool.facts.args is None:
        return NormalCall((), obstacle=f"it needs {_required(tool)}: give args={{...}} in its agent_tool mark", blind=blind)
    if blind:
        return NormalCall((), obstacle=f"its sockets cannot be seen: it uses {' and '.join(map(_with_remedy, blind))}", blind=blind)
    runs: list[Run] = []
    unconfirmed = _unconfirmed(tool)
    no_approval = ""  # why no call can be confirmed
    replaced: dict[str, None] = {}  # an ordered set of what answered in the place of a client
    for arguments in tool.facts.args:
        try:
            before = {name: mocks.calls_of(mock) for name, mock in mocked(tool).items()}
            with mocks.noted() as asked:
                found, problem = _called(tool, arguments)
                no_approval = no_approval or problem
        except BackendFailed as failure:
            raise Unjudgeable("the marker's backend= does not work", str(failure)) from failure
        if not found.went_out:
            called = [name for name, mock in mocked(tool).items() if mocks.calls_of(mock) > before.get(name, 0)]
            replaced |= asked or dict.fromkeys(called)
        runs.append(read(tool, found))
    obstacle = no_approval or _mocked(replaced) or obstacle_of(tool, runs)
    return NormalCall(tuple(runs), obstacle=obstacle, unconfirmed=unconfirmed, stood_in=() if no_approval else _stood_in(tool, tuple(runs)))


def _stood_in(tool: Tool, runs: tuple[Run, ...]) -> tuple[Run, ...]:
    if not programs.wanted_alone(runs):
        return ()
    found = [programs.stood_in(tool, run.arguments) for run in runs]
    return tuple(run for run in found if run is not None) if None not in found else ()


def _unconfirmed(tool: Tool) -> tuple[Run, ...]:
    """Before all others: an approval that one of them leaves behind in a store of the machine would open the gate."""
    if tool.facts.confirm is None:
        return ()
    try:
        with muted(), memory_kept(tool):
            sets = [shut(tool, arguments) for arguments in tool.facts.args or ()]
            return tuple(read(tool, observe(tool.call, given, backend=tool.facts.backend, limits=PATIENCE)) for given in sets)
    except BackendFailed:  # it was made for the confirmed call
        return ()


def _called(tool: Tool, arguments: Mapping[str, Any]) -> tuple[Run, str]:
    """A tool with a gate is called confirmed; where that cannot be, it is called all the same, and the reason told."""
    try:
        return called(tool, arguments, limits=PATIENCE, strict=True), ""
    except CannotConfirm as problem:
        return observe(tool.call, arguments, backend=tool.facts.backend, limits=PATIENCE), str(problem)


def _mocked(replaced: Iterable[str]) -> str:
    """A tool that is answered by a mock is no tool that asks nobody."""
    names = list(replaced)
    if not names:
        return ""
    verb, whose = ("is", "its") if len(names) == 1 else ("are", "their")
    return (
        f"{some_of(names)} {verb} replaced in this test: {whose} calls never reach the world. Take the mock away where the tool is examined"
    )


def obstacle_of(tool: Tool, runs: list[Run]) -> str:
    """Why there is no normal answer to go by, and what would make one; "" where there is one."""
    made_up = f" with generated arguments {dict(runs[0].arguments)!r}" if tool.facts.generated else ""
    other = ", or give args={...} in its agent_tool mark" if tool.facts.generated else ""
    for run in runs:
        slip = misnamed(run.requests, tool.facts.backend)
        missing = unanswered((request for request in run.requests if request.routed is False), tool.facts.backend)
        if run.exit is not None:
            return f"the normal call{made_up} ends the whole process ({run.exit.content.decode(errors='replace')}): see AR102"
        if run.refused:
            return f"the normal call{made_up} wants {some_of(run.refused)}, which the world does not let out{_allowing(run.refused)}"
        if run.unspoken:
            return unspoken(run.unspoken)
        if missing:
            return f"{missing}{other}{slip}"
        if run.ending is not None:
            return f"the normal call{made_up} does not end: {run.ending.story}{_mute(run)}"
        if run.mute:
            return f"the normal call{made_up} hears nothing from {run.mute}{_mute(run)}"
        if run.raised is not None:
            said = f": {run.raised.message}" if run.raised.message else ""
            advice = "give it arguments, a backend and an environment in which it succeeds"
            remedy = "give args={...} in its agent_tool mark" if made_up else advice
            return f"the normal call{made_up} raises {run.raised.kind}{said}: {remedy}{slip}"
        if run.answer is not None and run.answer.tells_of_failure:
            if tool.facts.confirm is None and ASKS.search(run.answer.text):
                asked = shortened(run.answer.message or run.answer.text, SHOWN)
                return f"the normal call{made_up} asks for a confirmation ({asked}): {CONFIRM}"
            message = run.answer.message or (run.answer.text[:SHOWN] if not run.answer.typed else "without a message")
            return f"the normal call{made_up} answers with an error ({message}): give args= and backend= that succeed{slip}"
    return ""


def _allowing(refused: Iterable[str]) -> str:
    """What to do about programs that do not run in the world: their words are needed."""
    found = (PROCESS.fullmatch(what) for what in refused)
    names = list(dict.fromkeys(process[1] for process in found if process))
    if not names:
        return ""
    named = f" = {json.dumps(names)}" if all(map(ONE_WORD.fullmatch, names)) else ""
    return f": by agentready_allow_processes{named} it runs for real, which is for programs that only read; else ask from Python itself"


def obstacle(tool: Tool, normal_call: NormalCall) -> str:
    """Why the tool cannot be called again in a world; a gate that says no to the unconfirmed normal call is none."""
    if not normal_call.runs:
        return normal_call.obstacle or "there is no normal call to repeat"
    return normal_call.obstacle if tool.facts.confirm is None else ""


def hindered(tool: Tool, run: Run) -> str:
    """What stood in the way of this call, which was to be a normal one; "" for nothing."""
    if found := obstacle_of(tool, [run]):
        return found.replace("the normal call", "the confirmed call") if tool.facts.confirm is not None else found
    return ""


def _mute(run: Run) -> str:
    """A peer to which nothing is said: at a port that is not the protocol's own, the world does not know who speaks first."""
    if not run.mute:
        return ""
    if run.mute.endswith("/udp"):
        return ": nobody answers datagrams in the world"
    if protocol := GREETING.get(run.mute.rpartition(":")[2]):
        return f": its server would have to greet, and the world does not speak {protocol}"
    return f" (nothing was said to {run.mute}: if it speaks first, name its protocol in backend=, such as {{'smtp://{run.mute}': {{}}}})"


def _with_remedy(client: str) -> str:
    return f"{client} ({foreign.out_of_reach.get(client) or foreign.INSTEAD[client]})"


def _required(tool: Tool) -> str:
    parameters = inspect.signature(tool.call).parameters.values()
    names = [p.name for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    return " and ".join(names)
