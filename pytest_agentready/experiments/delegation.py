"""Agents that are the tools of another: what they ask is seen where the model, in their own conversation, calls a tool of theirs."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_agentready.domain import Loop, ModelAnswer, ModelFailure, ModelRequest, NormalConversation, ToolTrial
from pytest_agentready.experiments.conversing import Player, arguments_of, calling, converse, varied
from pytest_agentready.script import for_ever

MANY = 4  # tools of inner agents that are tried


@dataclass(frozen=True, slots=True)
class Delegation:
    """A tool by which an agent calls another one, and a tool of that one."""

    loop: Loop
    outer: ToolTrial
    inner: ToolTrial

    def once(self) -> Delegating:
        """Each is called once."""
        return Delegating(self.inner.tool.name, Player(calling(self.loop, self.outer.tool, self.outer.arguments)), self)

    def again_and_again(self) -> Delegating:
        """The outer agent calls the inner one for ever, which calls its tool once each time."""
        step = for_ever(calling(self.loop, self.outer.tool, self.outer.arguments))
        return Delegating(self.inner.tool.name, Player(step), self)

    def within(self) -> Delegating:
        """The inner agent, called once, calls its tool for ever."""
        tool, arguments = self.inner.tool, self.inner.arguments
        found = self.once()
        found.player = Player(for_ever(lambda turn: calling(self.loop, tool, varied(arguments, turn, tool))))
        return found


class Delegating:
    """A model for both agents: it plays one's steps where that one's tool is offered, and the other's elsewhere."""

    def __init__(self, inner_tool: str, outer: Player, delegation: Delegation) -> None:
        self._inner_tool, self._outer, self._delegation = inner_tool, outer, delegation
        self.player: Player | None = None  # of the inner agent, for all of its conversations; None: a new one for each

    def __call__(self, request: ModelRequest) -> ModelAnswer | ModelFailure:
        if all(tool.name != self._inner_tool for tool in request.callable):
            return self._outer(request)
        if self.player is not None:
            return self.player(request)
        has_called = any(message.role == "tool" for message in request.messages)
        inner = self._delegation.inner
        call = calling(self._delegation.loop, inner.tool, inner.arguments)
        return Player("That is what I know." if has_called else call)(request)


def delegations(loop: Loop, normal_conversation: NormalConversation) -> tuple[Delegation, ...]:
    """Those whose inner tool asks somebody outside; () where no tool is an agent."""
    own = {tool.name for tool in normal_conversation.plain.offered}
    found: dict[str, Delegation] = {}
    for outer in normal_conversation.tools:
        for tool in outer.conversation.offered:
            if tool.name in own or tool.name in found or len(found) == MANY:
                continue
            tried = Delegation(loop, outer, ToolTrial(tool, arguments_of(loop, tool), outer.conversation))
            trial = ToolTrial(tool, tried.inner.arguments, converse(loop, tried.once()))
            if trial.conversation.backend_requests:
                found[tool.name] = Delegation(loop, outer, trial)
    return tuple(found.values())
