"""A tool that repeats itself without restraint turns its peer's bad minute into an outage, and makes you pay for it.

A service that is coming back up meets all its clients at once, each asking again as fast as it can; whoever asks sooner
than `Retry-After` says is shut out for longer; and what is forbidden or missing stays so, however often it is asked for.
Inside a tool nobody sees this: the model is told of one call. A few attempts with growing pauses are enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_agentready.domain import (
    Check,
    FaultMatrix,
    Finding,
    Judgement,
    NormalCall,
    Repetition,
    Run,
    Severity,
    Unproven,
    keeps_asking,
    mishaps,
    repetitions,
)

check = Check(
    id="AR205",
    title="The tool retries without limit, without a pause, or what it should not",
    severity=Severity.HIGH,
    profile="standard",
    fix=(
        "Retry three times at most, with pauses that grow (`tenacity.wait_random_exponential`, or urllib3's `Retry(3, "
        "backoff_factor=0.5)`), or leave it to the caller, who is told `retry_safe`."
    ),
    since="0.1",
    about_peers=True,
)

END = "Give the retries an end: a last attempt (3 are plenty), or a deadline that is looked at in every round."
HEED = "Wait as long as `Retry-After` says, or give up at once and return `rate_limit` where that is too long."
REFUSED = "Retry timeouts, broken connections, 429 and 5xx alone. 401, 403 and 404 stay what they are: return a `permanent` error."

Repeated = tuple[Run, Repetition]

AT_ONCE = 0.02  # seconds: an answer takes a few milliseconds of virtual time
FEW = 5  # attempts that may be the same time apart, or the beginning of growing pauses
GROWTH = 3  # the pauses of the second half, compared with those of the first
# Headers by which a request asks for something else, or in somebody else's name.
TELLING = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key", "api-key", "x-auth-token", "accept", "user-agent"})


@check
def judge(normal_call: NormalCall, fault_matrix: FaultMatrix) -> Iterator[Judgement]:
    runs = list(fault_matrix.to_be_ended)
    if not any(run.fault is not None and run.fault.family in ("break", "status") for run in runs):
        yield Unproven(normal_call.obstacle or fault_matrix.gap or "no failure reached the tool that it could have retried")
        return
    if fault_matrix.gap:
        yield Unproven(fault_matrix.gap)
    endless = _endless(normal_call, runs)
    limited = [run for run in runs if run not in endless]
    yield from _by_cause(
        *_without_limit(normal_call, endless),
        *_without_pause(_repeated(normal_call, [run for run in limited if _fails_fast(run)])),
        *_too_soon(_repeated(normal_call, [run for run in limited if run.fault and run.fault.retry_after])),
        *_in_vain(_repeated(normal_call, [run for run in limited if run.fault and run.fault.expected == "permanent"], TELLING)),
    )


def _by_cause(*found: Finding) -> Iterator[Finding]:
    """One line that asks again is one cause, in however many ways it does so without restraint."""
    lines: dict[str, list[Finding]] = {}
    for finding in found:
        lines.setdefault(finding.where, []).append(finding)
    for first, *others in lines.values():
        if not others:
            yield first
            continue
        together = (first, *others)
        yield Finding(
            "; ".join(finding.message for finding in together),
            where=first.where,
            evidence={slug: seen for finding in reversed(together) for slug, seen in finding.evidence.items()},
            fix=" ".join(dict.fromkeys(finding.fix or check.fix for finding in together)),
            seen=first.seen,
        )


def _endless(normal_call: NormalCall, runs: list[Run]) -> list[Run]:
    """The runs without a limit. One that was ended early is one only where a longer run has shown the same line to have none."""
    asking = [run for run in runs if keeps_asking(run, normal_call.beside(run))]
    lines = {run.ending.where for run in asking if run.ending and not run.ending.early}
    return [run for run in asking if run.ending and run.ending.where in lines]


def _repeated(normal_call: NormalCall, runs: list[Run], telling: frozenset[str] = frozenset()) -> list[Repeated]:
    return [(run, found) for run in runs for found in repetitions(run, normal_call.beside(run), telling)]


def _fails_fast(run: Run) -> bool:
    """So that only the tool itself can make a pause before it asks again."""
    fault = run.fault
    if fault is None or fault.retry_after is not None:
        return False
    return fault.family == "break" or (fault.family == "status" and fault.expected in ("transient", "rate_limit"))


def _without_limit(normal_call: NormalCall, runs: list[Run]) -> Iterator[Finding]:
    lines: dict[str, list[Run]] = {}
    for run in runs:
        lines.setdefault(run.ending.where if run.ending else "", []).append(run)
    for where, found in lines.items():
        longest = max(found, key=lambda run: run.ending.count if run.ending and run.ending.kind == "runaway" else 0)
        count = _attempts(normal_call, longest)
        yield Finding(
            f"does not stop asking{_whom(longest)}: still at it after {count} attempts within {_time(longest.virtual)} ({mishaps(found)})",
            where=where,
            evidence={run.mishap_slug: _attempts(normal_call, run) for run in found},
            fix=END,
            seen=longest,
        )


def _attempts(normal_call: NormalCall, run: Run) -> int:
    if run.ending is not None and run.ending.kind == "runaway":
        return run.ending.count
    return max(found.count for found in repetitions(run, normal_call.beside(run)))


def _whom(run: Run) -> str:
    """The host that was asked last."""
    tries = run.requests[run.spared :] or run.attempts
    return f" {tries[-1].host}" if tries else ""


def _without_pause(repeated: list[Repeated]) -> Iterator[Finding]:
    for where, found in _by_line([(run, each) for run, each in repeated if _is_hasty(each)]).items():
        worst = max((each for _, each in found), key=lambda each: each.count)
        pause = "without a pause" if max(worst.pauses) < AT_ONCE else f"and never pauses longer than {_time(max(worst.pauses))}"
        yield Finding(
            f"asks {worst.host} {_times(worst.count)} within {_time(worst.seconds)}, {pause} ({_mishaps(found)})",
            where=where,
            seen=next(run for run, each in found if each is worst),
            evidence={run.mishap_slug: {"attempts": each.count, "seconds": round(each.seconds, 2)} for run, each in found},
        )


def _is_hasty(each: Repetition) -> bool:
    """Two repetitions at once in a row, for each time that it asks normally; or many that are always the same time apart.

    One at once is the client library's own: aiohttp's for a kept connection, urllib3's first. Nor are the first pauses of
    a series that grows from some milliseconds on: redis-py's own begins so.
    """
    longest = current = 1
    for pause in each.pauses[_beginning(each.pauses) :]:
        current = current + 1 if pause < AT_ONCE else 1
        longest = max(longest, current)
    steady = max(each.pauses) <= 1.5 * min(each.pauses) + 0.1
    return longest > 2 * each.usual or (steady and each.count > FEW * each.usual)


def _beginning(pauses: Sequence[float]) -> int:
    """How many of the pauses are the beginning of a series that grows: up to the last two short ones in a row; 0 where it does not.

    It grows where the second half is far longer than the first, and step by step: no pause is longer than doubling led to.
    Three attempts at once before a pause of a second are three attempts at once.
    """
    half = len(pauses) // 2
    in_a_row = [number for number in range(1, len(pauses)) if max(pauses[number - 1 : number + 1]) < AT_ONCE]
    if half < 2 or not in_a_row or sum(pauses[half:]) < GROWTH * sum(pauses[:half]):
        return 0
    end = in_a_row[-1] + 1
    return end if end <= min(half + 1, FEW) and all(pause <= AT_ONCE * 2 ** (end + 1) for pause in pauses[end : end + 1]) else 0


def _too_soon(repeated: list[Repeated]) -> Iterator[Finding]:
    early: list[Repeated] = []
    for run, each in repeated:
        assert run.fault is not None
        wanted = run.fault.retry_after or 0
        if sum(pause < wanted - AT_ONCE for pause in each.pauses) >= each.usual:
            early.append((run, each))
    for where, found in _by_line(early).items():
        run, worst = min(found, key=lambda pair: min(pair[1].pauses))
        assert run.fault is not None
        yield Finding(
            f"asks {worst.host} again after {_time(min(worst.pauses))}, {_times(worst.count)} in all, although the peer said "
            f"Retry-After: {run.fault.retry_after:g}",
            where=where,
            evidence={run.mishap_slug: [round(pause, 2) for pause in each.pauses] for run, each in found},
            fix=HEED,
            seen=run,
        )


def _in_vain(repeated: list[Repeated]) -> Iterator[Finding]:
    # One that comes after another request has a reason: fresh credentials, say.
    vain = [(run, each) for run, each in repeated if each.count - each.usual > min(1, each.interrupted)]
    for where, found in _by_line(vain).items():
        worst = max((each for _, each in found), key=lambda each: each.count)
        yield Finding(
            f"asks {worst.host} {_times(worst.count)} for what it has refused for good ({_mishaps(found)})",
            where=where,
            evidence={run.mishap_slug: each.count for run, each in found},
            fix=REFUSED,
        )


def _by_line(repeated: list[Repeated]) -> dict[str, list[Repeated]]:
    """One line that repeats is one cause, whatever the fault."""
    lines: dict[str, list[Repeated]] = {}
    for run, each in repeated:
        lines.setdefault(each.where, []).append((run, each))
    return lines


def _mishaps(found: list[Repeated]) -> str:
    return mishaps(run for run, _ in found)


def _times(count: int) -> str:
    return "twice" if count == 2 else f"{count} times"


def _time(seconds: float) -> str:
    return f"{seconds:,.0f} s" if seconds >= 60 else f"{seconds:.1f} s" if seconds >= 0.1 else f"{max(seconds, 0.01):.2f} s"


@check.passes(args={"order_id": "7"}, backend={"GET https://api.example.com/orders/{id}": {"state": "shipped"}})
def with_growing_pauses(order_id: str) -> str:
    import time

    import httpx

    for pause in (0.2, 0.4, None):
        response = httpx.get(f"https://api.example.com/orders/{order_id}", timeout=1)
        if response.status_code < 500 or pause is None:
            break
        time.sleep(pause)
    return response.text


@check.fails(args={"order_id": "7"}, backend={"GET https://api.example.com/orders/{id}": {"state": "shipped"}})
def with_ten_attempts_in_a_row(order_id: str) -> str:
    import requests

    for _ in range(10):
        response = requests.get(f"https://api.example.com/orders/{order_id}", timeout=1)
        if response.ok:
            break
    return response.text
