"""What a hand-written test is given: the virtual world around it, the marked tool or loop in it, and a model that follows a script."""

from pytest_agentready.scene.loop import AgentLoop
from pytest_agentready.scene.model import ScriptedModel
from pytest_agentready.scene.tool import AgentTool
from pytest_agentready.scene.world import AgentWorld

__all__ = ["AgentLoop", "AgentTool", "AgentWorld", "ScriptedModel"]
