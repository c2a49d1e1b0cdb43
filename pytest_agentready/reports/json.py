"""The JSON report, version 1: a contract with the programs that read it.

Version 1 keeps its keys and their meaning; a key may be added, none changes or goes without a version 2.
"""

from __future__ import annotations

import json

from pytest_agentready.domain import Assessment, Result, Subject

VERSION = 1


def render(assessment: Assessment) -> str:
    """The same results give the same text, byte for byte but for `seconds`."""
    report = {
        "version": VERSION,
        "agentready": assessment.version,
        "ready": assessment.ready,
        "profile": assessment.profile,
        "counts": dict(assessment.counts),
        "subjects": [_subject(subject) for subject in assessment.subjects],
        "results": [_result(result) for result in assessment.results],
    }
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"


def _subject(subject: Subject) -> dict[str, object]:
    return {"kind": subject.kind, "name": subject.name, "framework": subject.framework, "source": subject.source}


def _result(result: Result) -> dict[str, object]:
    return {
        "check": result.check,
        "slug": result.slug,
        "severity": result.severity.value,
        "subject": result.subject.name,
        "outcome": result.outcome.value,
        "reason": result.reason,
        "findings": [
            {"message": finding.message, "where": finding.where, "evidence": dict(finding.evidence), "trace": finding.trace}
            for finding in result.findings
        ],
        "node": result.node,
        "seconds": result.seconds,
    }
