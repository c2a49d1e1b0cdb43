"""curl_cffi, sync and async: every transfer passes `Curl.perform` or `AsyncCurl.add_handle`, whenever its session was made."""

from __future__ import annotations

import contextlib
import sys
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import curl_cffi
import curl_cffi.aio
import curl_cffi.curl
from curl_cffi import CurlOpt

from pytest_agentready.world import active, certificates
from pytest_agentready.world.foreign import realtime
from pytest_agentready.world.patching import Patch, Patches

Curl: Any = curl_cffi.Curl
AsyncCurl: Any = curl_cffi.AsyncCurl
_lib, _ffi = vars(curl_cffi.curl)["lib"], vars(curl_cffi.curl)["ffi"]
SECONDS = {CurlOpt.TIMEOUT: 1.0, CurlOpt.TIMEOUT_MS: 0.001, CurlOpt.LOW_SPEED_TIME: 1.0}  # what ends a silence
_given: weakref.WeakKeyDictionary[Any, dict[int, Any]] = weakref.WeakKeyDictionary()


@contextlib.contextmanager
def in_place() -> Iterator[None]:
    with realtime.closing(), Patches(_patches()).in_place():
        yield


def _patches() -> Iterator[Patch]:
    yield Patch(Curl, "setopt", _setting(Curl.setopt))
    yield Patch(Curl, "reset", _resetting(Curl.reset))
    yield Patch(Curl, "duphandle", _copying(Curl.duphandle))
    yield Patch(Curl, "perform", _performing(Curl.perform))
    yield Patch(Curl, "_get_error", _naming(Curl._get_error))
    yield Patch(AsyncCurl, "add_handle", _adding(AsyncCurl.add_handle))


def _setting(original: Callable[..., int]) -> Callable[..., int]:
    def setopt(self: Any, option: Any, value: Any) -> int:
        _given.setdefault(self, {})[int(option)] = value
        return original(self, option, value)

    return setopt


def _resetting(original: Callable[..., None]) -> Callable[..., None]:
    def reset(self: Any) -> None:
        _given[self] = {}
        original(self)

    return reset


def _copying(original: Callable[..., Any]) -> Callable[..., Any]:
    def duphandle(self: Any) -> Any:
        copy = original(self)
        _given[copy] = {**_given.get(self, {}), **_given.get(copy, {})}
        return copy

    return duphandle


def _performing(original: Callable[..., None]) -> Callable[..., None]:
    def perform(self: Any, *args: Any, **kwargs: Any) -> None:
        world = active.mine()
        if world is None:
            original(self, *args, **kwargs)
            return
        known = str(sys._getframe(1).f_globals.get("__name__")).startswith("curl_cffi.")  # a session sets all options for each request
        with realtime.allowed(world, _url(self)) as is_real:
            if is_real:
                original(self, *args, **kwargs)
                return
        with realtime.door(world).transfer(_as_transfer(self, known=known, blocks=True)) as place, _led_to(self, place):
            original(self, *args, **kwargs)

    return perform


def _adding(original: Callable[..., Any]) -> Callable[..., Any]:
    def add_handle(self: Any, curl: Any) -> Any:
        world = active.mine()
        if world is None:
            return original(self, curl)
        keeping = contextlib.ExitStack()
        if keeping.enter_context(realtime.allowed(world, _url(curl))):
            real = original(self, curl)
            real.add_done_callback(lambda _: keeping.close())
            return real
        door = realtime.door(world)
        made = _as_transfer(curl, known=True, blocks=False)
        undo = contextlib.ExitStack()
        undo.enter_context(_led_to(curl, door.begin(made)))
        undo.callback(door.end, made)
        future = original(self, curl)
        future.add_done_callback(lambda _: undo.close())
        return future

    return add_handle


def _naming(original: Callable[..., Any]) -> Callable[..., Any]:
    def get_error(self: Any, *args: Any) -> Any:
        error = original(self, *args)
        if error is not None:
            error.args = (realtime.plain(str(error.args[0]), _url(self)), *error.args[1:])
        return error

    return get_error


def _url(curl: Any) -> str:
    url = _given.get(curl, {}).get(CurlOpt.URL, b"")
    return url if isinstance(url, str) else bytes(url).decode()


def _as_transfer(curl: Any, *, known: bool, blocks: bool) -> realtime.Transfer:
    given = _given.get(curl, {})
    bounds = [given[option] * unit for option, unit in SECONDS.items() if given.get(option)]
    return realtime.Transfer("curl_cffi", _url(curl), min(bounds, default=None), known, blocks)


@contextlib.contextmanager
def _led_to(curl: Any, place: str) -> Iterator[None]:
    """The handle connects to nobody but the world's door, and trusts the world's authority."""
    places = _lib.curl_slist_append(_ffi.NULL, f"::{place}".encode())
    before = curl._cacert, curl._is_cert_set
    try:
        _lib._curl_easy_setopt(curl._curl, CurlOpt.CONNECT_TO, places)
        for option in (CurlOpt.PROXY, CurlOpt.PRE_PROXY):
            _lib._curl_easy_setopt(curl._curl, option, _ffi.new("char[]", b""))
        _lib._curl_easy_setopt(curl._curl, CurlOpt.UNIX_SOCKET_PATH, _ffi.NULL)
        _lib._curl_easy_setopt(curl._curl, CurlOpt.FRESH_CONNECT, _ffi.new("long*", 1))
        curl._cacert, curl._is_cert_set = certificates.authority().bundle, False
        yield
    finally:
        curl._cacert, curl._is_cert_set = before
        if curl._curl is not None:
            _lib._curl_easy_setopt(curl._curl, CurlOpt.CONNECT_TO, _ffi.NULL)
        _lib.curl_slist_free_all(places)
