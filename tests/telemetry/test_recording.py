"""What is captured holds also while other threads import, write and end runs."""

from __future__ import annotations

import sys
from types import FrameType, ModuleType
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider

from pytest_agentready.domain import Span
from pytest_agentready.telemetry import capture
from pytest_agentready.telemetry.recording import API, READINGS, Reach, Recording
from pytest_agentready.world import observe, spans, stack


@pytest.fixture
def recording(monkeypatch: pytest.MonkeyPatch) -> Recording:
    made = Recording(lambda: 0.0, str, lambda: True, stack.is_users_file)
    monkeypatch.setattr(capture, "recording", made)
    return made


def begun(scope: str = "shop") -> Any:
    return TracerProvider(shutdown_on_exit=False).get_tracer(scope).start_span("span")


def frozen(recording: Recording, span: Any) -> Span:
    recording.begun(span)
    return recording.frozen(Reach(), 0.0).spans[-1]


def test_an_api_that_is_still_being_imported_is_waited_for(recording: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, API, ModuleType(API))
    with capture.rooted():
        assert capture.current() is None
        assert capture._root(None) is None
    recording.close()
    telemetry = recording.frozen(Reach(), 0.0)
    assert (telemetry.disabled, telemetry.provided) == (False, False)


def test_a_run_that_ends_as_a_thread_ends_its_span_makes_nobody_raise(recording: Recording) -> None:
    def interrupted(frame: FrameType, event: str, told: Any) -> Any:
        """Another thread comes in between any two lines."""
        if event == "line" and frame.f_lineno > frame.f_code.co_firstlineno + 2:
            capture.recording = None
        return interrupted if frame.f_code is end.__code__ else None

    ended: list[Any] = []
    end = capture._ending(lambda self, end_time: ended.append(self))
    before = sys.gettrace()
    sys.settrace(interrupted)
    try:
        end("span")
    finally:
        sys.settrace(before)
    assert (ended, capture.recording) == (["span"], None)


def test_a_recording_that_fails_to_close_hears_nothing_more(recording: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    def close() -> None:
        raise ValueError("closed badly")

    monkeypatch.setattr(recording, "close", close)
    with pytest.raises(ValueError, match="closed badly"), spans.captured(recording):
        assert capture.recording is recording
    assert capture.recording is None


@pytest.mark.parametrize("error", [KeyError("order"), RuntimeError("deque mutated during iteration")])
def test_a_span_that_is_still_written_to_is_read_again(recording: Recording, error: Exception) -> None:
    class Restless:
        """A span, as it is met while another thread writes to it."""

        left = READINGS - 1

        def __init__(self) -> None:
            self.span = begun()

        def __getattr__(self, name: str) -> Any:
            return getattr(self.span, name)

        @property
        def attributes(self) -> Any:
            if self.left:
                self.left -= 1
                raise error
            return {"order": 42}

    assert frozen(recording, Restless()).attributes == {"order": 42}


def test_a_tracer_of_an_installed_package_is_a_librarys_unless_that_is_what_is_examined(recording: Recording) -> None:
    assert frozen(recording, begun("httpx.instrumented")).by_library
    assert not frozen(recording, begun("shop.agent")).by_library
    assert not frozen(recording, begun(__name__)).by_library
    try:
        stack.regard(f"{httpx.__file__}:1")
        assert not frozen(recording, begun("httpx.instrumented")).by_library
        assert frozen(recording, begun("opentelemetry.instrumentation.openai")).by_library
    finally:
        stack.regard("")


def test_a_run_tells_whose_its_spans_are() -> None:
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("httpx")
    (span,) = observe(lambda: tracer.start_span("unasked").end(), {}).telemetry.spans
    assert span.by_library
