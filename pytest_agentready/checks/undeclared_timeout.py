"""A timeout that nobody has seen, and nobody has declared, is a timeout that nobody has.

Clients whose sockets are made in C, and protocols of their own, cannot be followed into their waits. There the owner's
word has to do: a number in the marker, or on the framework's object, that somebody has thought about and that the runner
can enforce. Where the waits were observed, no word is needed. Of a protocol that the world does not speak it sees the connection and
the wait for the first word, and AR202 and AR203 say what they have to say about these; what comes after that word nobody has seen.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_agentready.domain import (
    Check,
    FaultMatrix,
    Finding,
    Judgement,
    NormalCall,
    NotApplicable,
    Run,
    Severity,
    Tool,
    Unproven,
    unended,
)

check = Check(
    id="AR201",
    title="Nothing declares a timeout, and the tool's waits cannot be observed",
    severity=Severity.MEDIUM,
    profile="checklist",
    fix=(
        "Set the client's own timeout (`curl.setopt(pycurl.TIMEOUT, 5)`, `sock.settimeout(5)`), and state it where it can be read: "
        "`timeout=5` in its agent_tool mark, or the timeout of the framework's tool object."
    ),
    since="0.1",
    about_peers=True,
)


@check
def judge(tool: Tool, normal_call: NormalCall, fault_matrix: FaultMatrix) -> Iterator[Judgement]:
    if elsewhere := unended(normal_call, fault_matrix):
        yield NotApplicable(elsewhere)
        return
    if normal_call.stood_in and any(fault_matrix.silent) and not fault_matrix.untimed:
        yield NotApplicable("AR202 and AR203 speak of the timeouts of its programs, which were observed")
    elif unseen := _unseen(normal_call):
        if tool.facts.timeout is None:
            yield Finding(f"nothing declares a timeout, and its waits could not all be observed: {unseen}", where=tool.source)
    elif tool.facts.timeout is None and (bounded := [effect for run in normal_call.runs for effect in run.refused_processes]):
        first = bounded[0]
        yield Unproven(
            f"it gives {first.target} a timeout of its own ({first.bound:g} s), and what comes after that was not seen: processes are "
            "refused. Name the program in agentready_allow_processes, or state the whole tool's, `timeout=` in its agent_tool mark"
        )
    elif normal_call.obstacle:
        yield Unproven(normal_call.obstacle)
    else:
        yield NotApplicable("AR202 and AR203 speak of its timeouts, which were observed")


def _unseen(normal_call: NormalCall) -> str:
    """What the world could not see of the tool's waits; "" where it saw them all."""
    if normal_call.blind:
        return f"the sockets of {' and '.join(normal_call.blind)} are made in C"
    if peers := dict.fromkeys(peer for run in normal_call.runs for peer in run.unspoken):
        return f"the world does not speak its protocol with {' and '.join(peers)}"
    if refused := dict.fromkeys(what for run in normal_call.runs for what in run.refused if not _is_bounded(run)):
        return f"it wants {' and '.join(refused)}, which nobody can look into"
    if peers := dict.fromkeys(run.mute for run in normal_call.runs if run.mute):
        return f"only the wait for the first word of {' and '.join(peers)} was, whose protocol the world does not know"
    return ""


def _is_bounded(run: Run) -> bool:
    """Is all that was refused a process with a timeout of its own, or the end of the tool's own, of which AR102 speaks?"""
    started = run.refused_processes
    return len(started) + (run.exit is not None) == len(run.refused) and all(effect.bound is not None for effect in started)


@check.passes(args={"domain": "example.com"}, timeout=5)
def with_a_declared_timeout(domain: str) -> dict[str, object]:
    import socket

    try:
        with socket.create_connection(("whois.iana.org", 43), timeout=4) as connection:
            connection.sendall(f"{domain}\r\n".encode())
            return {"status": "success", "data": connection.recv(4096).decode()}
    except OSError:
        return {"status": "error", "error_type": "transient", "retry_safe": True, "message": "The registry cannot be reached."}


@check.fails(args={"domain": "example.com"})
def without_a_word_about_it(domain: str) -> dict[str, object]:
    import socket

    try:
        with socket.create_connection(("whois.iana.org", 43), timeout=4) as connection:
            connection.sendall(f"{domain}\r\n".encode())
            return {"status": "success", "data": connection.recv(4096).decode()}
    except OSError:
        return {"status": "error", "error_type": "transient", "retry_safe": True, "message": "The registry cannot be reached."}
