"""Every measurement is seen where the code makes it, in the classes of OpenTelemetry's SDK and of prometheus_client.

Nothing of the user's set-up is touched: no provider is set, no reader is added. Where no provider is set, as in most test suites, the
API's own instruments do nothing; what they are given is seen there, and only there, so that nothing counts twice. What the SDK measures
of itself (`otel.sdk.*`) is not the code's word.

Instruments with a callback (`ObservableGauge`, and their like) are named where they are held, and their callbacks never called: a
callback is made for the moment of an export, may ask a database, and may count its own calls.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from pytest_agentready.domain import Instrument, InstrumentKind, Measurement, MetricClient
from pytest_agentready.telemetry import capture
from pytest_agentready.telemetry.capture import Replacement

METRICS_API = "opentelemetry.metrics"
PROMETHEUS = "prometheus_client"
SDK_INSTRUMENTS = "opentelemetry.sdk.metrics._internal.instrument"
API_INSTRUMENTS = f"{METRICS_API}._internal.instrument"
PROMETHEUS_METRICS = f"{PROMETHEUS}.metrics"
OF_THE_SDK_ITSELF = "otel.sdk."
OF_OPENTELEMETRY: tuple[tuple[str, str, InstrumentKind], ...] = (
    ("Counter", "add", "counter"),
    ("UpDownCounter", "add", "updowncounter"),
    ("Histogram", "record", "histogram"),
    ("Gauge", "set", "gauge"),
)
OF_PROMETHEUS: tuple[tuple[str, str, InstrumentKind], ...] = (
    ("Counter", "inc", "counter"),
    ("Gauge", "inc", "gauge"),
    ("Gauge", "dec", "gauge"),
    ("Gauge", "set", "gauge"),
    ("Histogram", "observe", "histogram"),
    ("Summary", "observe", "summary"),
)
KINDS: tuple[tuple[str, InstrumentKind], ...] = (  # by what the name of an instrument's class ends with, the longer first
    ("updowncounter", "updowncounter"),
    ("counter", "counter"),
    ("histogram", "histogram"),
    ("gauge", "gauge"),
    ("summary", "summary"),
)


def replacements() -> Iterator[Replacement]:
    """Of what is loaded."""
    for name, found in MODULES.items():
        if name in sys.modules:
            yield from found()


def _replaced(module: str, prefix: str, methods: Iterable[tuple[str, str, InstrumentKind]], seeing: Any) -> Iterator[Replacement]:
    for name, method, kind in methods:
        owner = getattr(sys.modules[module], f"{prefix}{name}", None)  # older releases have no Gauge
        if owner is not None and method in vars(owner):
            yield Replacement(owner, method, seeing(vars(owner)[method], kind))


def _by_the_sdk(original: Callable[..., Any], kind: InstrumentKind) -> Callable[..., Any]:
    @functools.wraps(original)
    def measure(self: Any, amount: float, attributes: Mapping[str, Any] | None = None, *args: Any, **kwargs: Any) -> Any:
        given = original(self, amount, attributes, *args, **kwargs)  # it raises for what is no number
        _note(self.name, kind, self.unit, amount, attributes)
        return given

    return measure


def _by_the_api(original: Callable[..., Any], kind: InstrumentKind) -> Callable[..., Any]:
    @functools.wraps(original)
    def measure(self: Any, amount: float, attributes: Mapping[str, Any] | None = None, *args: Any, **kwargs: Any) -> Any:
        if self._real_instrument is None:  # else that is asked, and seen there
            _note(self._name.lower(), kind, self._unit, amount, attributes)
        return original(self, amount, attributes, *args, **kwargs)

    return measure


def _by_prometheus(original: Callable[..., Any], kind: InstrumentKind) -> Callable[..., Any]:
    sign = -1 if original.__name__ == "dec" else 1

    @functools.wraps(original)
    def measure(self: Any, *args: Any, **kwargs: Any) -> Any:
        given = original(self, *args, **kwargs)  # it refuses what has no labels yet
        amount = next(chain(args, (kwargs[name] for name in ("amount", "value") if name in kwargs)), 1)
        labels = dict(zip(self._labelnames, self._labelvalues, strict=False))
        _note(self._name, kind, self._unit, sign * float(amount), labels, "prometheus")
        return given

    return measure


def _note(
    name: str,
    kind: InstrumentKind,
    unit: str | None,
    amount: float,
    labels: Mapping[str, Any] | None,
    client: MetricClient = "opentelemetry",
) -> None:
    seen = capture.recording
    if seen is None or name.startswith(OF_THE_SDK_ITSELF) or not seen.concerns():
        return
    if client == "opentelemetry" and kind in ("counter", "histogram") and not amount >= 0:
        return  # the SDK lets it go, with a warning
    seen.measured(Measurement(name, kind, unit or "", amount, dict(labels or {}), seen.now(), seen.here(), client))


# What is replaced in each module, once it has been executed.
MODULES: Mapping[str, Callable[[], Iterator[Replacement]]] = {
    SDK_INSTRUMENTS: lambda: _replaced(SDK_INSTRUMENTS, "", OF_OPENTELEMETRY, _by_the_sdk),
    API_INSTRUMENTS: lambda: _replaced(API_INSTRUMENTS, "_Proxy", OF_OPENTELEMETRY, _by_the_api),
    PROMETHEUS_METRICS: lambda: _replaced(PROMETHEUS_METRICS, "", OF_PROMETHEUS, _by_prometheus),
}


def declared() -> tuple[Instrument, ...]:
    """The instruments of the API, of the provider that is set, and of prometheus_client's own registry, used or not, sorted by name."""
    made = (*_of_the_api(), *_of_the_provider(), *_of_the_registry())
    found = {instrument for each in made if (instrument := instrument_of(each)) is not None}
    return tuple(sorted(found, key=lambda one: (one.name, one.client, one.kind, one.unit)))


def instrument_of(made: Any) -> Instrument | None:
    """What this object is, where it is an instrument of one of the libraries."""
    cls = type(made)
    library = cls.__module__.partition(".")[0]
    kind = next((kind for ending, kind in KINDS if cls.__name__.lower().endswith(ending)), None)
    if library not in ("opentelemetry", PROMETHEUS) or kind is None:
        return None
    name = getattr(made, "name", None) or getattr(made, "_name", None)
    if not isinstance(name, str) or name.startswith(OF_THE_SDK_ITSELF):
        return None
    unit = str(getattr(made, "unit", None) or getattr(made, "_unit", None) or "")
    if library == PROMETHEUS:
        return Instrument(name, kind, unit, "prometheus", tuple(made._labelnames))
    return Instrument(name.lower(), kind, unit, observed="Observable" in cls.__name__)


def _of_the_api() -> Iterator[Any]:
    internal = sys.modules.get(f"{METRICS_API}._internal")
    for meter in getattr(getattr(internal, "_PROXY_METER_PROVIDER", None), "_meters", ()):
        yield from tuple(getattr(meter, "_instruments", ()))


def _of_the_provider() -> Iterator[Any]:
    internal = sys.modules.get(f"{METRICS_API}._internal")
    meters = getattr(getattr(internal, "_METER_PROVIDER", None), "_meters", None)  # of a provider of another make nothing is known
    for meter in tuple(meters.values()) if isinstance(meters, dict) else ():
        yield from tuple(getattr(meter, "_instrument_id_instrument", {}).values())


def _of_the_registry() -> Iterator[Any]:
    module = sys.modules.get(f"{PROMETHEUS}.registry")
    collectors = tuple(getattr(getattr(module, "REGISTRY", None), "_collector_to_names", ()))
    yield from (one for one in collectors if hasattr(one, "_labelnames"))  # others, such as that of the process, are no instruments
