"""A gate to which the model has the key is none: it says `confirm=True` as readily as it says everything else.

Whatever stands among the tool's parameters, the model fills in: `confirmed`, `force`, `dry_run=False`, a token that the refusal itself
hands out. It does so because the user "surely meant it", because the refusal told it to, or because a text that it read wants it to.
And where a text is taken for a truth value, "false" and "no" open the gate as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_agentready.domain import Check, Finding, GateWalk, Judgement, NormalCall, NotApplicable, Severity, Tool, Trial, Unproven, listed

check = Check(
    id="AR406",
    title="The model can open the gate by itself",
    severity=Severity.HIGH,
    profile="checklist",
    fix=(
        "Take the parameter out of the tool. Let the confirmation come by a way that the model cannot go: a function that your user "
        "interface calls when a human has agreed, and that records the approval where the tool looks it up."
    ),
    since="0.1",
)


@check
def judge(tool: Tool, normal_call: NormalCall, gate_walk: GateWalk) -> Iterator[Judgement]:
    walk = gate_walk
    if walk.gap or normal_call.blind:
        yield Unproven(walk.gap or normal_call.obstacle)
    elif walk.is_open:
        yield NotApplicable("see AR401: it acts without any confirmation")
    elif not walk.acts and not walk.refuses:
        yield Unproven(normal_call.missing) if normal_call.missing else NotApplicable("it has no effects")
    if walk.looked_up and not walk.opened:
        yield Unproven(walk.looked_up)
    by_parameter: dict[str, list[Trial]] = {}
    for trial in walk.opened:
        by_parameter.setdefault(_parameter(trial), []).append(trial)
    for trials in by_parameter.values():
        first, *more = trials
        also = f"; the same {listed(trial.how for trial in more)}" if more else ""
        yield Finding(
            f"{first.how} the model opens the gate by itself, and nobody has confirmed: {first.deeds}{also}",
            where=first.effects[0].where or tool.source,
            evidence={trial.how: trial.deeds for trial in trials},
        )


def _parameter(trial: Trial) -> str:
    found = re.match(r"with ([^=]+)=", trial.how)
    return found[1] if found else trial.how


FOLDER = {"DELETE https://files.example.com/folders/{name}": {"deleted": True}}
APPROVED: set[str] = set()


def approve(name: str) -> None:
    APPROVED.add(name)


@check.passes(args={"name": "drafts"}, backend=FOLDER, confirm=approve)
def with_an_approval_from_elsewhere(name: str) -> dict[str, object]:
    import requests

    try:
        APPROVED.remove(name)  # in one step: of two calls, one finds it
    except KeyError:
        message = f"CONFIRMATION_REQUIRED: ask the user to confirm that the folder {name} is deleted."
        return {"status": "error", "error_type": "permanent", "retry_safe": False, "message": message}
    gone = requests.delete(f"https://files.example.com/folders/{name}", timeout=5)
    return {"status": "success", "data": gone.json()}


@check.fails(args={"name": "drafts"}, backend=FOLDER)
def with_a_flag_of_the_models_own(name: str, confirm: bool = False) -> dict[str, object]:
    import requests

    if not confirm:
        message = f"CONFIRMATION_REQUIRED: call again with confirm=True to delete the folder {name}."
        return {"status": "error", "error_type": "permanent", "retry_safe": False, "message": message}
    gone = requests.delete(f"https://files.example.com/folders/{name}", timeout=5)
    return {"status": "success", "data": gone.json()}
