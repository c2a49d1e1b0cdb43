"""Instrumentations of other people, each switched on for the time of a test: those of OpenTelemetry, OpenLLMetry and OpenInference."""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Instrumentation:
    """One for the SDK of one provider."""

    name: str
    module: str
    sdk: str

    @contextlib.contextmanager
    def switched_on(self) -> Iterator[None]:
        """They replace methods of the SDK's classes, and not all of them put all of these back."""
        cls = "OpenAIInstrumentor" if self.sdk == "openai" else "AnthropicInstrumentor"
        instrumentor = getattr(importlib.import_module(self.module), cls)()
        before = list(_methods(self.sdk))
        instrumentor.instrument()
        try:
            yield
        finally:
            instrumentor.uninstrument()
            for owner, name, method in before:
                if vars(owner).get(name) is not method:
                    setattr(owner, name, method)


def _methods(sdk: str) -> Iterator[tuple[type, str, Any]]:
    """All of them: an SDK loads most of its modules when they are first used, and an instrumentation uses them."""
    resources = importlib.import_module(f"{sdk}.resources")
    for module in pkgutil.walk_packages(resources.__path__, f"{sdk}.resources."):
        importlib.import_module(module.name)
    classes = {
        id(cls): cls
        for name, module in sys.modules.copy().items()
        if name == sdk or name.startswith(f"{sdk}.")
        for cls in tuple(vars(module).values())
        if isinstance(cls, type) and cls.__module__.startswith(sdk)
    }
    for cls in classes.values():
        for name, value in tuple(vars(cls).items()):
            if callable(value):
                yield cls, name, value


ALL = [
    Instrumentation("OpenTelemetry for openai", "opentelemetry.instrumentation.genai.openai", "openai"),
    Instrumentation("OpenTelemetry for anthropic", "opentelemetry.instrumentation.genai.anthropic", "anthropic"),
    Instrumentation("OpenLLMetry for openai", "opentelemetry.instrumentation.openai", "openai"),
    Instrumentation("OpenLLMetry for anthropic", "opentelemetry.instrumentation.anthropic", "anthropic"),
    Instrumentation("OpenInference for openai", "openinference.instrumentation.openai", "openai"),
    Instrumentation("OpenInference for anthropic", "openinference.instrumentation.anthropic", "anthropic"),
]
