"""What the examination of a loop costs: all checks of the two example agents, and an endless loop until it is ended.

python benchmarks/loops.py
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), *(str(ROOT / "examples" / name) for name in ("support_agent", "support_agent_before"))]

from support_agent import agent, agent_openai  # noqa: E402  (the examples are no packages of the project)
from support_bot import agent as before  # noqa: E402

from pytest_agentready.domain import Loop  # noqa: E402
from pytest_agentready.experiments import normal_conversation  # noqa: E402
from pytest_agentready.experiments.conversing import Player, calling, converse  # noqa: E402
from pytest_agentready.script import for_ever  # noqa: E402
from tests.examining import as_loop, engine  # noqa: E402

ROUNDS = 5
BACKEND = {"GET https://api.example.com/orders/{order_id}": {"id": "42", "status": "shipped"}}
AGENTS: dict[str, Callable[..., Any]] = {
    "the example on Anthropic's SDK": agent.answer,
    "the example on OpenAI's SDK, streamed": agent_openai.answer,
    "the bot of the incident, on OpenAI's SDK": before.answer,
}


def fresh(function: Callable[..., Any]) -> Loop:
    return as_loop(function, {"token_budget": 50_000, "backend": BACKEND})


def all_checks(function: Callable[..., Any]) -> float:
    """Seconds for every check of loops."""
    loop, start = fresh(function), time.perf_counter()
    for check in engine().registry.checks:
        if "loop" in check.about:
            engine().examine(loop, check)
    seconds = time.perf_counter() - start
    engine().forget(loop)
    return seconds


def until_it_is_ended(function: Callable[..., Any]) -> tuple[int, float]:
    """Calls of the model, and seconds."""
    loop = fresh(function)
    trial = normal_conversation.run(loop).trial
    assert trial is not None
    start = time.perf_counter()
    conversation = converse(loop, Player(for_ever(calling(loop, trial.tool, trial.arguments))))
    return len(conversation.model_calls), time.perf_counter() - start


def main() -> None:
    print("| what | median | target |\n|---|---|---|")
    for name, function in AGENTS.items():
        all_checks(function)  # warm: the SDK's own imports
        print(f"| all checks of {name} | {statistics.median(all_checks(function) for _ in range(ROUNDS)):.2f} s | 3 s |")
    runs = [until_it_is_ended(before.answer) for _ in range(ROUNDS)]
    seconds = statistics.median(seconds for _, seconds in runs)
    print(f"| an endless loop ended, after {runs[0][0]} calls of the model | {seconds:.2f} s | 0.5 s, 60 calls |")


if __name__ == "__main__":
    main()
