"""The virtual world: the user's unmodified code runs in it, and nothing leaves it.

Real descriptors with peers in this process, and a discrete-event clock. `observe` runs one call in one world.
"""

from pytest_agentready.world.backend import Backend, BackendError
from pytest_agentready.world.backend_calls import BackendFailed
from pytest_agentready.world.faults import FAULTS, HTTPFault, WireFault
from pytest_agentready.world.intervals import let_pass
from pytest_agentready.world.limits import Limits
from pytest_agentready.world.messages import IncomingRequest, Response
from pytest_agentready.world.places import place
from pytest_agentready.world.run import observe
from pytest_agentready.world.stay import Stay, stay
from pytest_agentready.world.unlisted import FullLogIn, Refusal

__all__ = [
    "FAULTS",
    "Backend",
    "BackendError",
    "BackendFailed",
    "FullLogIn",
    "HTTPFault",
    "IncomingRequest",
    "Limits",
    "Refusal",
    "Response",
    "Stay",
    "WireFault",
    "let_pass",
    "observe",
    "place",
    "stay",
]
