"""pycurl: its types are C and cannot be changed, so that a run gives the tool types derived from them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial
from typing import Any

import pycurl

from pytest_agentready.world import active, certificates, guard
from pytest_agentready.world.foreign import realtime
from pytest_agentready.world.patching import Patch, Patches

_Curl: Any = pycurl.Curl
_Multi: Any = pycurl.CurlMulti
SECONDS = {pycurl.TIMEOUT: 1.0, pycurl.TIMEOUT_MS: 0.001, pycurl.LOW_SPEED_TIME: 1.0}  # what ends a silence
LED = {  # what leads a handle, and what stands there where its user gave nothing
    pycurl.CONNECT_TO: None,
    pycurl.PROXY: None,
    pycurl.PRE_PROXY: None,
    pycurl.FRESH_CONNECT: 0,
    pycurl.CAINFO: _Curl().getinfo(pycurl.INFO_CAINFO) if hasattr(pycurl, "INFO_CAINFO") else None,
}
STARTING = ("perform", "perform_rb", "perform_rs", "add_handle", "socket_action")
CALLBACKS = (pycurl.XFERINFOFUNCTION, pycurl.PROGRESSFUNCTION)  # may end a transfer at any moment


@contextlib.contextmanager
def in_place() -> Iterator[None]:
    with realtime.closing(), Patches(_patches()).in_place():
        yield


def _patches() -> Iterator[Patch]:
    for original, replacement in EARLY:
        yield Patch(pycurl, original.__name__, replacement)
        for derived in original.__subclasses__():
            if derived is not replacement:
                for name in filter(partial(hasattr, derived), STARTING):
                    yield Patch(derived, name, _refusing(derived, getattr(derived, name)))


def _refusing(derived: type, original: Any) -> Any:
    def start(self: Any, *args: Any, **kwargs: Any) -> Any:
        if active.mine() is not None:
            guard.refuse(f"a transfer of {derived.__qualname__}, a class derived from pycurl's before the run")
        return original(self, *args, **kwargs)

    return start


class _Standing(type):
    """Of a type that stands in for one in C: whatever is an instance of that passes for one of this."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, cls.__mro__[1])


class Curl(_Curl, metaclass=_Standing):  # type: ignore[misc]
    """A handle that remembers its options, and connects to nobody but the world's door."""

    __module__, __qualname__ = "pycurl", "Curl"

    def __init__(self) -> None:
        self._given: dict[int, Any] = {}

    def setopt(self, option: int, value: Any) -> Any:
        self._given[option] = value
        return super().setopt(option, value)

    def setopt_string(self, option: int, value: str) -> Any:
        self._given[option] = value
        return super().setopt_string(option, value)

    def unsetopt(self, option: int) -> Any:
        self._given.pop(option, None)
        return super().unsetopt(option)

    def reset(self) -> None:
        self._given.clear()
        super().reset()

    def perform(self) -> None:
        world = active.mine()
        if world is None:
            super().perform()
            return
        made = self.as_transfer(blocks=True)
        with realtime.allowed(world, made.url) as is_real:
            if is_real:
                super().perform()
                return
        with realtime.door(world).transfer(made) as place:
            self.lead_to(place)
            try:
                super().perform()
            except pycurl.error as error:
                error.args = (error.args[0], realtime.plain(error.args[1], made.url))
                raise
            finally:
                self.let_go()

    def duphandle(self) -> Curl:
        copy = Curl()
        for option, value in self._given.items():
            copy.setopt(option, value)
        return copy

    def perform_rb(self) -> Any:
        from io import BytesIO

        buffer = BytesIO()
        self.setopt(pycurl.WRITEDATA, buffer)
        self.perform()
        return buffer.getvalue()

    def perform_rs(self) -> str:
        return str(self.perform_rb().decode())

    @property
    def url(self) -> str:
        url = self._given.get(pycurl.URL, "")
        return url if isinstance(url, str) else str(url.decode())

    def as_transfer(self, *, blocks: bool) -> realtime.Transfer:
        bounds = [value * SECONDS[option] for option, value in self._given.items() if option in SECONDS and value]
        known = not any(self._given.get(option) for option in CALLBACKS)
        return realtime.Transfer("pycurl", self.url, min(bounds, default=None), known, blocks)

    def lead_to(self, place: str) -> None:
        if self._given.get(pycurl.UNIX_SOCKET_PATH):
            guard.refuse(f"a connection of pycurl to {self._given[pycurl.UNIX_SOCKET_PATH]}")
        set_option = super().setopt
        set_option(pycurl.CONNECT_TO, [f"::{place}"])
        set_option(pycurl.PROXY, "")
        set_option(pycurl.PRE_PROXY, "")
        set_option(pycurl.FRESH_CONNECT, 1)  # no connection from before the run
        set_option(pycurl.CAINFO, certificates.authority().bundle)

    def let_go(self) -> None:
        """Its options are the user's again: the handle may outlive the run."""
        for option, default in LED.items():
            value = self._given.get(option, default)
            if value is None:
                super().unsetopt(option)
            else:
                super().setopt(option, value)


class CurlMulti(_Multi, metaclass=_Standing):  # type: ignore[misc]
    """Many transfers at once: each is under way from when it is added to when it is taken out."""

    __module__, __qualname__ = "pycurl", "CurlMulti"

    def __init__(self) -> None:
        self._transfers: dict[Any, realtime.Transfer] = {}

    def add_handle(self, handle: Any) -> Any:
        world = active.mine()
        if world is not None and type(handle) is _Curl:
            guard.refuse("a transfer of a pycurl handle that was made before the run (make it within the call)")
        if world is not None and not world.network.allowed.covers(*realtime.target(handle.url)):
            made = self._transfers[handle] = handle.as_transfer(blocks=False)
            handle.lead_to(realtime.door(world).begin(made))
        return super().add_handle(handle)

    def remove_handle(self, handle: Any) -> Any:
        world = active.world
        made = self._transfers.pop(handle, None)
        if world is not None and made is not None:
            realtime.door(world).end(made)
        removed = super().remove_handle(handle)
        if made is not None:
            handle.let_go()
        return removed


EARLY = ((_Curl, Curl), (_Multi, CurlMulti))
