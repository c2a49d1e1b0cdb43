"""`agent_loop`: the marked loop, called by a hand-written test in the test's world as a user talks to it."""

from __future__ import annotations

from typing import Any

from pytest_agentready.domain import Loop, said
from pytest_agentready.scene.fitting import misfit, name_of, shown, takes
from pytest_agentready.scene.world import AgentWorld

ASKER = "agent_loop calls the loop that an"  # mark names


class AgentLoop:
    """Call it with the user's text: it returns what the loop returns, raises what it raises, and is awaited where the loop is async."""

    def __init__(self, loop: Loop, world: AgentWorld, backend: object) -> None:
        self._loop = loop
        if backend is not None and world.backend_in_force is None:
            world.backend(backend)

    def __repr__(self) -> str:
        return f"<AgentLoop {self._loop.name}>"

    def __call__(self, text: str = "", *more: object, user: object = None, session: object = None, **others: Any) -> Any:
        """`user` and `session` go to the parameters that the mark names; `others` to the loop's other parameters.

        Raises TypeError where one of them has no place to go to, ValueError for an id that is to be a number, and is none.
        """
        __tracebackhide__ = True
        self._check_text(text, more, others)
        ids: dict[str, Any] = {"user": "user-1", "session": "session-1"}
        for name, value in (("user", user), ("session", session)):
            if value is None:
                continue
            carrier = getattr(self._loop.facts, name)
            if carrier:
                ids[name] = self._id(name, carrier, value)
            elif takes(self._loop.entry, name):
                others[name] = value
            else:
                raise TypeError(self._no_place(name, value))
        arguments = {**self._loop.arguments(text, **ids), **others}
        try:
            return self._loop.entry(**arguments)
        except TypeError as error:
            told = misfit(self._loop.entry, arguments, error)
            if not told:
                raise
            end = "" if told.endswith("?") else "."
            takes_too = "It takes the user's text, user=, session=, and the others by name"
            raise TypeError(f"{self._written(others)}: {told}{end} {takes_too}") from None

    def _check_text(self, text: object, more: tuple[object, ...], others: dict[str, Any]) -> None:
        __tracebackhide__ = True
        prompt, call = self._loop.facts.prompt, self._loop.entry
        if more:
            raise TypeError("agent_loop takes one text, and all else by name: agent_loop('Where is order 7?', user='ada')")
        if not isinstance(text, str):
            raise TypeError(
                f"agent_loop takes the text of the user, and not {text!r}. With anything else call {name_of(call)} itself in the test"
            )
        if prompt and not text and prompt not in others:
            raise TypeError("agent_loop takes the text of the user first: agent_loop('Where is order 7?')")
        if text and not prompt:
            raise TypeError(
                f"{shown(call)} has no parameter for the text of the user. Name it in the mark, `agent_loop(loop=..., prompt=...)`, or "
                "call agent_loop() without a text"
            )

    def _id(self, name: str, carrier: str, value: Any) -> Any:
        __tracebackhide__ = True
        if carrier not in self._loop.facts.numbered:
            return value  # whatever the loop takes
        if not str(value).rpartition("-")[2].isdecimal():
            raise ValueError(f"agent_loop({name}={value!r}): {carrier} of {shown(self._loop.entry)} is a number: write such as {name}=7")
        return str(value)

    def _no_place(self, name: str, value: object) -> str:
        return (
            f"agent_loop({name}={value!r}): {shown(self._loop.entry)} has no parameter that carries the {name}. Let it have one, or name "
            f'the one that does in the mark: `agent_loop(loop=..., {name}="{name}_id")`'
        )

    @staticmethod
    def _written(others: dict[str, Any]) -> str:
        return f"agent_loop({', '.join(['...', *(f'{name}=...' for name in others)])})"

    @staticmethod
    def said(value: object) -> str | None:
        """The text that the user gets to read, in what the loop returned; None where there is none."""
        return said(value)
