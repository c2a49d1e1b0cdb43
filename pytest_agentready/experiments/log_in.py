"""A tool's database asks for the password in clear, so that it is known in a text that gives it away.

A Redis or a mail server hears it at each log-in. A database lets everybody in without a word, for a client that has no password
could not answer; so it is asked for in a run of its own, and who has none fails in it, which says nothing.
"""

from __future__ import annotations

from pytest_agentready.domain import LogIn, NormalCall, Run, Tool
from pytest_agentready.world import BackendFailed, FullLogIn, observe
from pytest_agentready.world.stdio import muted

ASKING = FullLogIn("full-log-in", "the database asks for the password", "status", failure=False)
DATABASES = ("postgresql:", "mysql:")


def run(tool: Tool, normal_call: NormalCall) -> LogIn:
    found: list[Run] = []
    for normal in normal_call.runs:
        if normal.finished and any(request.url.startswith(DATABASES) for request in normal.requests):
            try:
                with muted():
                    found.append(observe(tool.call, normal.arguments, backend=tool.facts.backend, fault=ASKING))
            except BackendFailed:  # which the normal call did not meet: nothing is learnt
                continue
    return LogIn(tuple(found))
