"""What a tool asks for again within one run: which of its tries are the same, how often, and how long it paused between them.

The same is the same method and address; the body counts where the normal call sends several such requests, and else does not, for a
fresh id or time stamp makes no other request of it. What did not get as far as a request is a try to reach its host.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pytest_agentready.domain.matrix import FaultMatrix, NormalCall
from pytest_agentready.domain.observation import Attempt, Request, Run


@dataclass(frozen=True, slots=True)
class Repetition:
    """The tries of one run that are the same, where they are more than those of the normal call."""

    host: str
    moments: tuple[float, ...]  # virtual seconds at which it tried, in their order
    usual: int  # how often the normal call tries; at least 1
    interrupted: int  # how many of the repetitions came after another request
    where: str

    @property
    def count(self) -> int:
        return len(self.moments)

    @property
    def pauses(self) -> tuple[float, ...]:
        return tuple(after - before for before, after in pairwise(self.moments))

    @property
    def seconds(self) -> float:
        """From the first try to the last."""
        return self.moments[-1] - self.moments[0]


def repetitions(run: Run, normal: Run, telling: Collection[str] = ()) -> list[Repetition]:
    """What is tried more often than in the normal call; another value of a `telling` header makes it another request."""
    asked = run.requests[run.spared :]
    if not asked:
        failed = [attempt for attempt in run.attempts if not attempt.reached]
        usual: Counter[Hashable] = Counter(attempt.host for attempt in normal.attempts) | Counter(
            request.host for request in normal.requests
        )
        return _grouped(failed or run.attempts, lambda attempt: attempt.host, usual)
    addresses = Counter((request.method, request.url) for request in normal.requests)

    def same(request: Request) -> Hashable:
        address = request.method, request.url
        told = tuple(pair for pair in request.headers if pair[0] in telling)
        return address, told, request.body if addresses[address] > 1 else b""

    return _grouped(asked, same, Counter(map(same, normal.requests)))


def keeps_asking(run: Run, normal: Run) -> bool:
    """Had the run to be ended because the tool asks again and again?"""
    if run.ending is None or run.ending.kind not in ("runaway", "endless"):
        return False
    return run.ending.kind == "runaway" or any(found.count > 2 * found.usual for found in repetitions(run, normal))


def is_storm(run: Run, normal: Run) -> bool:
    """Does the tool keep asking a peer that answers at once? Where the peer is silent, it is the wait that has no end."""
    return run.fault is not None and run.fault.family != "silence" and keeps_asking(run, normal)


def unended(normal_call: NormalCall, fault_matrix: FaultMatrix) -> str:
    """Which check speaks of the runs that the tool does not come to an end of; "" where it ends them all."""
    runs = [run for run in fault_matrix.to_be_ended if not run.finished]
    if not runs:
        return ""
    if all(is_storm(run, normal_call.beside(run)) for run in runs):
        return "see AR205: it does not stop asking"
    return "see AR202: it does not give up at all"


def _grouped(tries: Sequence[Attempt] | Sequence[Request], same: Callable[..., Hashable], usual: Counter[Hashable]) -> list[Repetition]:
    groups: dict[Hashable, list[int]] = {}
    for number, tried in enumerate(tries):
        groups.setdefault(same(tried), []).append(number)
    return [
        Repetition(
            host=tries[numbers[0]].host,
            moments=tuple(tries[number].at for number in numbers),
            usual=max(1, usual[key]),
            interrupted=sum(after - before > 1 for before, after in pairwise(numbers)),
            where=tries[numbers[-1]].where,
        )
        for key, numbers in groups.items()
        if len(numbers) > max(1, usual[key])
    ]
