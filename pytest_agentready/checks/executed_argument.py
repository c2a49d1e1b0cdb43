"""An argument that is put into code is code, and whoever can make the model say something can make your machine do it.

`f"ping {host}"` in a shell, `f"... WHERE name = '{name}'"` in a database, `eval(expression)` in a calculator: the model passes on
what it has read in a mail or on a page, and a quote or a semicolon in it ends the text and begins the command. What is handed over
beside the code (a list of arguments, a parameter of the statement, a parser that knows numbers alone) stays data, whatever it says.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_agentready.domain import (
    Abuse,
    Check,
    Finding,
    Judgement,
    NormalCall,
    NotApplicable,
    Severity,
    Tool,
    Unproven,
    listed,
    shortened,
)

check = Check(
    id="AR906",
    title="An argument is carried out as code",
    severity=Severity.HIGH,
    profile="standard",
    fix="Hand the argument over as data: a list of arguments, a parameter of the statement, a parser of your own.",
    since="0.1",
)

FIXES = {
    "a shell": (
        "Start the program without a shell, `subprocess.run(['ping', '-c', '1', '--', host])`; where there has to be one, "
        "put `shlex.quote(host)` into the line."
    ),
    "SQL": (
        "Give values as parameters, `execute('... WHERE name = ?', (name,))`, and take the names of tables and columns from a list "
        "that stands in the code."
    ),
    "Python": "Parse what you need yourself, or with `ast.literal_eval`: `eval` with empty builtins is no protection.",
    "a loader of objects": "Load data alone: `json.loads`, or `yaml.safe_load`.",
}
SHOWN = 120  # characters of a line, or of a statement


@check
def judge(tool: Tool, normal_call: NormalCall, executed_arguments: Abuse) -> Iterator[Judgement]:
    if executed_arguments.nothing:
        unclear = normal_call.obstacle and executed_arguments.might
        yield Unproven(normal_call.obstacle) if unclear else NotApplicable(executed_arguments.nothing)
        return
    for found in executed_arguments.causes:
        first = found[0]
        names = listed(dict.fromkeys(breach.parameter for breach in found))
        as_it_arrives = f": {shortened(' '.join(first.reached.split()), SHOWN)}" if first.reached else ""
        yield Finding(
            f"{names} reaches {first.kind} as code, {first.form} in it is enough{as_it_arrives}",
            where=first.where or tool.source,
            evidence={f"{breach.parameter}={breach.value}": f"{breach.kind}, by {breach.form}" for breach in found},
            fix=FIXES[first.kind],
        )
    if executed_arguments.gap:
        yield Unproven(executed_arguments.gap)


@check.passes(args={"name": "mug"})
def with_a_parameter(name: str) -> dict[str, object]:
    import sqlite3

    shop = sqlite3.connect(":memory:")
    shop.execute("CREATE TABLE articles (name, price)")
    rows = shop.execute("SELECT price FROM articles WHERE name = ?", (name,)).fetchall()
    shop.close()
    return {"status": "success", "data": rows}


@check.fails(args={"name": "mug"})
def with_a_text_that_is_glued_in(name: str) -> dict[str, object]:
    import sqlite3

    shop = sqlite3.connect(":memory:")
    shop.execute("CREATE TABLE articles (name, price)")
    rows = shop.execute(f"SELECT price FROM articles WHERE name = '{name}'").fetchall()
    shop.close()
    return {"status": "success", "data": rows}
