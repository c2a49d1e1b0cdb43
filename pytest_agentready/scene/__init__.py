"""What a hand-written test is given: `agent_world`, the virtual world around it, and `agent_tool`, the marked tool in that world."""

from pytest_agentready.scene.tool import AgentTool
from pytest_agentready.scene.world import AgentWorld

__all__ = ["AgentTool", "AgentWorld"]
