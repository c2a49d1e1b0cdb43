"""A check: one item of the checklist, with its reasons, its fix and the examples that prove it."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, overload

from pytest_agentready.domain.loop import AnySubject
from pytest_agentready.domain.verdict import Finding, NotApplicable, Severity, Unproven

Profile = Literal["checklist", "standard", "strict"]
PROFILES: tuple[Profile, ...] = ("checklist", "standard", "strict")

Kind = Literal["tool", "loop", "breaker"]
Judgement = Finding | Unproven | NotApplicable
FOR_LINTERS = re.compile(r"  # (noqa|type: ignore)\b.*")
Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Example:
    """A real function that the check passes or fails; the tests run it, the docs print it."""

    function: Callable[..., Any]
    facts: Mapping[str, Any] = field(default_factory=dict)  # as the marker takes them

    @property
    def source(self) -> str:
        """The function alone, without its decorator and without notes to linters, as a reader wants to see it."""
        lines = [FOR_LINTERS.sub("", line) for line in inspect.getsource(self.function).splitlines()]
        start = next(number for number, line in enumerate(lines) if line.startswith(("def ", "async def ")))
        return "\n".join(lines[start:])


class Check:
    """A builder that freezes to a value when the registry has loaded its module.

    The module's docstring is the rationale, the module's name the slug, the parameters of the
    decorated judge the experiments that it wants to see::

        check = Check(id="AR202", title="...", severity=Severity.HIGH, profile="checklist", fix="...", since="0.1")

        @check
        def judge(fault_matrix): ...      # yields Finding, Unproven or NotApplicable

        @check.passes(args={...}, backend={...})
        def with_a_deadline(...): ...
    """

    def __init__(  # noqa: PLR0913  (a table row: each word of it is a fact of its own)
        self,
        *,
        id: str,
        title: str,
        severity: Severity,
        profile: Profile,
        fix: str,
        since: str,
        standard_where: str = "",
        async_only: bool = False,
        about_peers: bool = False,
        static: bool = False,
        about: Kind | tuple[Kind, ...] = "tool",
    ) -> None:
        self.id = id
        self.title = title
        self.severity = severity
        self.profile = profile
        self.fix = fix
        self.since = since
        self.standard_where = standard_where  # the fact of a tool that, where it is stated, brings a strict check into `standard`
        self.async_only = async_only  # of a sync tool there is nothing to judge
        self.about_peers = about_peers  # nor of one whose normal call asks nobody outside of the process; the judge asks for that call
        self.static = static  # it looks at the tool and never runs it: by its word alone no tool counts as judged
        self.about = (about,) if isinstance(about, str) else about  # whom it examines; a loop that reaches no model is not put to the judge
        self.judge: Callable[..., Iterable[Judgement]] | None = None
        self.passing: tuple[Example, ...] = ()
        self.failing: tuple[Example, ...] = ()
        self._frozen = False

    def __call__(self, judge: Callable[..., Iterable[Judgement]]) -> Callable[..., Iterable[Judgement]]:
        if self.judge is not None:
            raise TypeError(f"{self.id} has a judge already: {self.judge.__qualname__}")
        self.judge = judge
        return judge

    @overload
    def passes(self, function: Function, /) -> Function: ...
    @overload
    def passes(self, /, **facts: Any) -> Callable[[Function], Function]: ...
    def passes(self, function: Any = None, /, **facts: Any) -> Any:
        """Register an example that this check passes; keywords are the facts its marker would state."""

        def keep(example: Function) -> Function:
            self.passing = (*self.passing, Example(example, facts))
            return example

        return keep if function is None else keep(function)

    @overload
    def fails(self, function: Function, /) -> Function: ...
    @overload
    def fails(self, /, **facts: Any) -> Callable[[Function], Function]: ...
    def fails(self, function: Any = None, /, **facts: Any) -> Any:
        """Register an example that this check fails; keywords are the facts its marker would state."""

        def keep(example: Function) -> Function:
            self.failing = (*self.failing, Example(example, facts))
            return example

        return keep if function is None else keep(function)

    def freeze(self) -> Check:
        """Make it a value: nothing can be changed from here on. Raises TypeError if it has no judge, or one that does not fit."""
        if self.judge is None:
            raise TypeError(f"{self.id} has no judge: decorate one with @check")
        if self.about_peers and "normal_call" not in self.needs:
            raise TypeError(f"{self.id} is about_peers: let its judge ask for the normal_call, which tells whether there are any")
        if not self._frozen:  # a second registry of the same process finds it frozen
            self._frozen = True
        return self

    def __setattr__(self, name: str, value: object) -> None:
        if getattr(self, "_frozen", False):
            raise AttributeError(f"{self.id} is frozen: {name} cannot change any more")
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        return f"<Check {self.label}>"

    @property
    def module(self) -> str:
        assert self.judge is not None
        return self.judge.__module__

    @property
    def slug(self) -> str:
        """The fault's name, which is the module's."""
        return self.module.rpartition(".")[2].replace("_", "-")

    @property
    def label(self) -> str:
        return f"{self.id}-{self.slug}" if self.judge else self.id

    @property
    def rationale(self) -> str:
        return inspect.cleandoc(sys.modules[self.module].__doc__ or "")

    @property
    def needs(self) -> tuple[str, ...]:
        """The names of the experiments that the judge asks for."""
        assert self.judge is not None
        return tuple(inspect.signature(self.judge).parameters)

    def concerns(self, subject: AnySubject) -> bool:
        """Is there anything to judge, as far as the adapter can tell? A call may show that a sync tool is async all the same."""
        return subject.kind in self.about and (subject.is_async or not self.async_only)

    def in_profile(self, profile: Profile, subject: AnySubject | None = None) -> bool:
        """A wider profile contains the narrower ones; what the mark of this subject states may bring the check into `standard`."""
        stated = bool(self.standard_where) and subject is not None and bool(getattr(subject.facts, self.standard_where, None))
        return PROFILES.index("standard" if stated else self.profile) <= PROFILES.index(profile)

    def may_be_in(self, profile: Profile) -> bool:
        """Is it in this profile, for some tools at least?"""
        return self.in_profile(profile) or (bool(self.standard_where) and profile == "standard")

    @property
    def profiles(self) -> str:
        """The narrowest profile that it is in, in words."""
        return f"{self.profile}, standard with {self.standard_where}" if self.standard_where else self.profile
