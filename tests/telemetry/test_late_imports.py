"""A project may import OpenTelemetry for the first time in the middle of its first run, which is the only one of a tool's normal call."""

from __future__ import annotations

import importlib
import subprocess
import sys
import threading
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest

from pytest_agentready.telemetry.capture import Replacement
from pytest_agentready.telemetry.recording import Recording
from pytest_agentready.world import installation, observe, spans

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys
from pytest_agentready.world import observe
assert not any(name.startswith("opentelemetry") for name in sys.modules)
{tool}

for times in range(3):
    telemetry = observe(tool, {{}}).telemetry
    assert telemetry.loaded and not telemetry.disabled
    assert [span.name for span in telemetry.spans] == {names}, telemetry.spans
    assert [telemetry.reaches_root(span) for span in telemetry.spans] == {rooted}, telemetry.spans
    assert all(span.ended is not None for span in telemetry.spans)

from opentelemetry import context, trace
import opentelemetry.sdk.trace as sdk
assert not any(type(finder).__module__.startswith("pytest_agentready") for finder in sys.meta_path)
for function in (sdk.Span.start, sdk.Span.end, sdk.sampling.Decision.is_recording, type(context._RUNTIME_CONTEXT).get_current):
    assert function.__code__.co_filename.endswith(("trace/__init__.py", "sampling.py", "contextvars_context.py")), function
for module in (trace, sdk, context):
    assert module.__loader__ is module.__spec__.loader and type(module.__loader__).__name__ == "SourceFileLoader"
assert context.get_current() == {{}}
print("well")
"""
THE_API_ALONE = """
def tool():
    from opentelemetry import trace
    with trace.get_tracer("shop").start_as_current_span("outer"):
        with trace.get_tracer("shop").start_as_current_span("inner"):
            pass
"""
THE_SDK_FIRST = """
def tool():
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry import trace
    trace.set_tracer_provider(TracerProvider())
    with trace.get_tracer("shop").start_as_current_span("outer"):
        with trace.get_tracer("shop").start_as_current_span("inner"):
            pass
"""
IN_A_TASK = """
import asyncio

async def imports():
    from opentelemetry import trace
    with trace.get_tracer("shop").start_as_current_span("first"):
        await asyncio.sleep(1)

async def later():
    await asyncio.sleep(5)
    from opentelemetry import trace
    with trace.get_tracer("shop").start_as_current_span("second"):
        pass

async def tool():
    await asyncio.gather(imports(), later())
"""
IN_A_THREAD = """
import threading

def imports():
    from opentelemetry import trace
    trace.get_tracer("shop").start_span("lost").end()

def tool():
    thread = threading.Thread(target=imports)
    thread.start()
    thread.join()
    from opentelemetry import trace
    trace.get_tracer("shop").start_span("found").end()
"""
A_TRACER_OF_ITS_OWN = """
import functools

@functools.cache
def tracer():
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(ConsoleSpanExporter()))
    return provider.get_tracer("shop")

def tool():
    with tracer().start_as_current_span("outer"):
        with tracer().start_as_current_span("inner"):
            pass
"""


@pytest.mark.parametrize(
    ("tool", "names", "rooted"),
    [
        pytest.param(THE_API_ALONE, ["outer", "inner"], [True, True], id="the API alone"),
        pytest.param(THE_SDK_FIRST, ["outer", "inner"], [True, True], id="the SDK first"),
        pytest.param(IN_A_TASK, ["first", "second"], [True, True], id="in a task"),
        pytest.param(IN_A_THREAD, ["lost", "found"], [False, True], id="in a thread"),
        pytest.param(A_TRACER_OF_ITS_OWN, ["outer", "inner"], [True, True], id="a tracer of its own"),
    ],
)
def test_what_is_imported_within_the_first_run_is_seen_in_it(tool: str, names: list[str], rooted: list[bool]) -> None:
    program = PROGRAM.format(tool=tool, names=names, rooted=rooted)
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == "well\n", done.stderr
    assert done.stderr == ""


LOGS = """
import io
import sys
from pytest_agentready.world import observe

def by_structlog():
    import structlog
    structlog.get_logger().info("told")

def by_loguru():
    from loguru import logger
    logger.info("told")

def by_opentelemetry():
    from opentelemetry._logs import LogRecord, SeverityNumber, get_logger
    get_logger("shop").emit(LogRecord(body="told", severity_number=SeverityNumber.INFO))

for tool in (by_structlog, by_loguru, by_opentelemetry):
    assert not any(name in sys.modules for name in ("structlog", "loguru", "opentelemetry._logs") if tool.__name__[3:] in name)
    for times in range(2):
        (line,) = observe(tool, {}).telemetry.logs
        assert "told" in line.text
for module, cls, method in (("structlog._output", "PrintLogger", "info"), ("loguru._simple_sinks", "StreamSink", "write")):
    assert "pytest_agentready" not in vars(getattr(sys.modules[module], cls))[method].__code__.co_filename
print("well", file=sys.__stdout__)
"""


def test_lines_of_what_is_imported_within_the_first_run_are_heard_in_it() -> None:
    done = subprocess.run([sys.executable, "-c", LOGS], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("well\n")


def test_what_arrives_when_the_run_is_over_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that is none of the run's imports a module meanwhile, and is not done with it when the run is."""
    name = "agentready_slow_arrival"
    (tmp_path / f"{name}.py").write_text("import gate\ngate.reached.set()\ngate.opened.wait(30)\nclass Span:\n    start = 'its own'\n")
    gate = ModuleType("gate")
    gate.reached, gate.opened = threading.Event(), threading.Event()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "gate", gate)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(spans, "LATE", {name: lambda: iter([Replacement(sys.modules[name].Span, "start", "ours")])})
    importing = threading.Thread(target=importlib.import_module, args=(name,))
    with spans.captured(Recording(lambda: 0.0, str, lambda: True, lambda file: True)):
        importing.start()
        assert gate.reached.wait(30)
    gate.opened.set()
    importing.join(30)
    assert sys.modules.pop(name).Span.start == "its own"


def test_a_module_that_a_thread_is_still_importing_is_asked_again_for_the_next_run(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "loguru._file_sink"
    half = ModuleType(name)
    half.__spec__ = ModuleSpec(name, None)
    monkeypatch.setattr(half.__spec__, "_initializing", True, raising=False)
    monkeypatch.setitem(sys.modules, name, half)
    installation._patches_with.cache_clear()
    try:
        observe(lambda: None, {})
        half.FileSink = type("FileSink", (), {"write": lambda self, message: None})  # type: ignore[attr-defined]
        monkeypatch.setattr(half.__spec__, "_initializing", False)
        before = vars(half.FileSink)["write"]
        assert observe(lambda: vars(half.FileSink)["write"] is before, {}).value is False
        assert vars(half.FileSink)["write"] is before
    finally:
        installation._patches_with.cache_clear()


def test_nothing_is_imported_for_a_project_that_does_not_use_it() -> None:
    program = """
import sys
from pytest_agentready.world import observe
print(observe(lambda: 1, {}).telemetry.loaded, "opentelemetry" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == "False False\n"


def test_a_module_that_fails_as_it_is_imported_fails_as_ever(tmp_path: Path) -> None:
    (tmp_path / "opentelemetry").mkdir()
    (tmp_path / "opentelemetry" / "__init__.py").touch()
    (tmp_path / "opentelemetry" / "trace.py").write_text("raise ImportError('broken')", encoding="utf-8")
    program = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
from pytest_agentready.world import observe

def tool():
    from opentelemetry import trace

run = observe(tool, {{}})
print(run.raised.message, run.telemetry.loaded)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == "broken False\n", done.stderr
