"""The summary at the end of the run: the answer first, then what is unknown, then what is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby

from pytest_agentready.domain import Assessment, Outcome, Result, Severity, Subject, listed
from pytest_agentready.reports import wrap

NARROWEST = 60
WIDEST = 120
BRIEF = 120  # characters of a fix that may be told beside each tool
SHOWN = 5  # findings of one check; the item's own failure and the JSON report have them all


def render(assessment: Assessment, width: int = 100) -> str:
    """Plain text; whoever prints it may colour its lines."""
    width = max(NARROWEST, min(width, WIDEST))
    blocks = [
        _headline(assessment, width),
        _by_reason("Could not be judged", assessment.having(Outcome.ERROR), width),
        _not_assessed(assessment, width),
        _waived(assessment, width),
        *_findings(assessment, width),
    ]
    if failed := assessment.having(Outcome.FAILED):
        blocks.append(["Reasons and examples:", f"  pytest --agentready-explain {_worst_first(failed)[0].check}"])
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _headline(assessment: Assessment, width: int) -> list[str]:
    counts = assessment.counts
    failed = [
        f"{number} {severity.value}"
        for severity in Severity
        if (number := sum(result.severity is severity for result in assessment.having(Outcome.FAILED)))
    ]
    told = [f"{counts['passed']} passed"]
    told += [f"{counts['failed']} failed ({', '.join(failed)})"] if failed else []
    told += [f"{counts['error']} error{'s' * (counts['error'] != 1)}"] if counts["error"] else []
    told += [f"{counts[name]} {name.replace('_', ' ')}" for name in ("unproven", "waived", "not_applicable") if counts[name]]
    subjects = {result.subject for result in assessment.results if not result.is_misuse}
    return [
        *_wrapped(f"{_word(assessment)}: {', '.join(told)}", "", width),
        f"  {_counted(subjects)}, profile {assessment.profile}{_left_out(assessment)}",
        *(line for doubt in assessment.doubts for line in _wrapped(doubt, "  ", width)),
        *(line for note in assessment.notes for line in _wrapped(note, "  ", width)),
    ]


def _counted(subjects: Iterable[Subject]) -> str:
    """`3 tools, 1 loop and 1 breaker`."""
    numbers = Counter(subject.kind for subject in subjects)
    told = [f"{number} {kind}{'s' * (number != 1)}" for kind, number in sorted(numbers.items(), reverse=True)]
    return listed(told) or "no tools"


def _word(assessment: Assessment) -> str:
    if assessment.ready:  # whoever reads no further shall not take for proved what nobody has looked at
        return "READY, as far as it was proved" if assessment.having(Outcome.UNPROVEN) else "READY"
    if assessment.is_blocked:
        return "NOT READY"
    return "Judged in part" if assessment.any_passed else "Nothing was judged"


def _left_out(assessment: Assessment) -> str:
    return f"; {assessment.deselected} more check{'s' * (assessment.deselected != 1)} deselected" if assessment.deselected else ""


def _not_assessed(assessment: Assessment, width: int) -> list[str]:
    lines = _by_reason("Not assessed", assessment.having(Outcome.UNPROVEN), width)
    if lines and assessment.ready:
        lines += _wrapped('What is not assessed fails the run with agentready_unproven = "fail".', "  ", width)
    return lines


def _by_reason(title: str, results: Iterable[Result], width: int) -> list[str]:
    """Many checks lack the same thing: it is said once, with all whom it would serve."""
    reasons: dict[str, dict[str, list[str]]] = {}
    for result in results:
        labels = reasons.setdefault(_last_words(result), {}).setdefault(result.subject.name, [])
        if not result.is_misuse and result.check not in labels:
            labels.append(result.check)
    lines = [title] if reasons else []
    for reason, subjects in reasons.items():
        lines += _wrapped(reason, "  ", width)
        for subject, labels in subjects.items():
            lines += _wrapped(f"{subject}: {', '.join(labels)}" if labels else subject, "      ", width)
    return lines


def _last_words(result: Result) -> str:
    """Of our own traceback only the exception; pytest shows the rest above."""
    lines = result.reason.strip().splitlines() or ["no reason was given"]
    return lines[-1] if lines[0].startswith("Traceback") else "\n".join(lines)


def _waived(assessment: Assessment, width: int) -> list[str]:
    """Who is spared what, until when and why; a pattern may spare several."""
    waived: dict[str, list[str]] = {}
    for result in assessment.having(Outcome.WAIVED):
        waiver = assessment.waiver_of(result)
        until = f", until {waiver.until}" if waiver and waiver.until else ""
        waived.setdefault(f"{result.label}{until}: {result.reason}", []).append(result.subject.name)
    lines = ["Waived"] if waived else []
    for what, names in waived.items():
        lines += _wrapped(what, "  ", width)
        lines += [line for name in dict.fromkeys(names) for line in _wrapped(name, "      ", width)]
    return lines


def _findings(assessment: Assessment, width: int) -> Iterator[list[str]]:
    groups: dict[Subject, list[Result]] = {}
    for result in _worst_first(assessment.having(Outcome.FAILED)):
        groups.setdefault(result.subject, []).append(result)
    told: dict[str, str] = {}  # fix -> the subject beside which it stands
    for subject, results in groups.items():  # the worst result of all has put its subject first
        lines = [f"{subject.name}  {subject.source}".rstrip()]
        for _, same in groupby(results, key=lambda result: result.check):
            lines += _check(list(same), assessment, width, told)
        yield lines


def _check(results: list[Result], assessment: Assessment, width: int, told: dict[str, str]) -> Iterator[str]:
    first = results[0]
    mild = "" if assessment.blocks(first) else "  (below agentready_fail_on)"
    yield f"  {first.severity.value:<7} {first.label}{mild}"
    for reason in dict.fromkeys(result.reason for result in results if result.reason):
        yield from _wrapped(reason, " " * 10, width)
    # Two tests may mark one tool, and find the same.
    findings = {(finding.message, finding.where): finding for result in results for finding in result.findings}
    for finding in list(findings.values())[:SHOWN]:
        yield from _wrapped(finding.message, " " * 10, width)
        if finding.where:
            yield f"{' ' * 12}at {finding.where}"
    if len(findings) > SHOWN:
        yield f"{' ' * 10}... and {len(findings) - SHOWN} more"
    for fix in dict.fromkeys(finding.fix or first.fix for finding in findings.values()):
        again = told.setdefault(fix, first.subject.name) != first.subject.name and len(fix) > BRIEF
        yield from _wrapped(f"fix: as for {told[fix]}, above" if again else f"fix: {fix}", " " * 10, width)


def _worst_first(results: Iterable[Result]) -> list[Result]:
    return sorted(results, key=lambda result: (result.severity.rank, result.subject.name, result.check, result.node))


def _wrapped(text: str, indent: str, width: int) -> list[str]:
    lines: list[str] = []
    for line in text.splitlines():
        first = indent + line[: len(line) - len(line.lstrip())]
        hanging = first + "  " * line.lstrip().startswith("- ")
        lines += wrap(line.strip(), width, first, hanging)
    return lines
