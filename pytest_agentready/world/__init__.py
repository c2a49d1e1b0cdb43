"""The virtual world: the user's unmodified code runs in it, and nothing leaves it.

Real descriptors with peers in this process, and a discrete-event clock. `observe` runs one call in one world.

It is built in floors, and no module knows one that stands above it, not even by its type; what it needs from there is handed in:

- The ground knows no world: the system's own functions (`real`), whether there is a run and who stands beside it (`runs`), where the
  user's code stands (`stack`), how a run ends (`ending`), what a thread waits for (`waiting`), the tools' loop (`loops`), what a fault
  can do (`wire`), a descriptor with what stands behind it (`connection`).
- What a world is made of: `timeline` is its clock, `backend` knows the answers, `files`, `sqlite`, `ledger` and `started` are this
  machine. `commons` is what all peers share, a `peer` is the far end of one connection, the `services` are the protocols that peers
  speak, and `network` is the clients' way to the peers.
- `world` puts these together, and `active` is the one that runs.
- Above it is what user code meets in the place of the system's functions: `sockets`, `names`, `tls`, `clocks`, `threads`, `guard`, ...,
  and in `foreign` that of clients in C, which no such function can reach.
- `installation` puts all of that in place for one run, `run` observes a call, `stay` several in one world.
"""

from pytest_agentready.world.backend import Backend, BackendError
from pytest_agentready.world.backend_calls import BackendFailed
from pytest_agentready.world.faults import FAULTS
from pytest_agentready.world.intervals import let_pass
from pytest_agentready.world.limits import Limits
from pytest_agentready.world.messages import IncomingRequest, Response
from pytest_agentready.world.places import place
from pytest_agentready.world.run import observe
from pytest_agentready.world.stand_ins import Conduct
from pytest_agentready.world.stay import Stay, stay
from pytest_agentready.world.unlisted import FullLogIn, Refusal
from pytest_agentready.world.wire import HTTPFault, WireFault

__all__ = [
    "FAULTS",
    "Backend",
    "BackendError",
    "BackendFailed",
    "Conduct",
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
