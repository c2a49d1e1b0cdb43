"""What one session of pytest holds of ours, made when first asked for: its settings, and what it collects."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_agentready.collect import Collection
    from pytest_agentready.registry import Registry
    from pytest_agentready.settings import Settings
    from pytest_agentready.world.granted import Grant

NO_TARGET = (
    '--agentready: no target is configured. Say what to examine by `agentready_tools = ["shop.tools"]` or '
    '`agentready_loops = ["shop.agent:run_agent"]` in the configuration of pytest, or by `--agentready-tools shop.tools`.'
)
REGISTRY_KEY = pytest.StashKey["Registry"]()
SETTINGS_KEY = pytest.StashKey["Settings"]()
NODES_KEY = pytest.StashKey[tuple[str, ...]]()
OWN_NODE = re.compile(r"(?:^|[/\\])(agentready::.+)")  # pytest shows it relative to where one stands: "../agentready::..."
COLLECTION_KEY = pytest.StashKey["Collection"]()


def is_configured(config: pytest.Config) -> bool:
    """Does anything in the configuration or on the command line concern us?"""
    return bool(keys(config) or config.getoption("agentready_report") or wants_targets(config))


def keys(config: pytest.Config) -> list[str]:
    """The settings of ours that are given, known or not; found without loading what validates them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pytest 9 calls `inicfg` deprecated, and has nothing else that lists the keys
        given = [*getattr(config, "inicfg", ())]
    given += [override.partition("=")[0] for override in config.getoption("override_ini") or ()]
    return sorted({key for key in given if key.startswith("agentready")})


def registry(config: pytest.Config) -> Registry:
    if REGISTRY_KEY not in config.stash:
        from pytest_agentready.registry import Registry

        config.stash[REGISTRY_KEY] = Registry()
    return config.stash[REGISTRY_KEY]


def settings(config: pytest.Config) -> Settings:
    """Raises pytest.UsageError with everything that is wrong with them."""
    if SETTINGS_KEY not in config.stash:
        from pytest_agentready.settings import Settings

        found = Settings.read(config, keys(config), lambda name: registry(config).check(name).id)
        if wants_targets(config) and not (found.tools or found.loops):
            raise pytest.UsageError(NO_TARGET)
        config.stash[SETTINGS_KEY] = found
    return config.stash[SETTINGS_KEY]


def collection(config: pytest.Config) -> Collection:
    if COLLECTION_KEY not in config.stash:
        from pytest_agentready.collect import Collection, Marks
        from pytest_agentready.engine import Engine

        engine = Engine(registry(config), config.rootpath, settings(config).allow_hosts, lambda: _grant(config))
        config.stash[COLLECTION_KEY] = Collection(engine, settings(config), Marks(registry(config)), chosen_nodes(config))
    return config.stash[COLLECTION_KEY]


def emitted(config: pytest.Config) -> dict[str, Any] | None:
    """What this process has heard the user's code emit, as JSON has it; None where nothing of it has run in a world."""
    if COLLECTION_KEY not in config.stash or not (overheard := collection(config).engine.overheard).worlds:
        return None
    return overheard.emitted.to_json()


def _grant(config: pytest.Config) -> Grant:
    """What a run may do to this machine. The folder of `tmp_path` is its own, once a test has asked for one."""
    from pytest_agentready.world.granted import Grant

    own = getattr(getattr(config, "_tmp_path_factory", None), "_basetemp", None)
    return Grant(settings(config).allow_processes, str(config.rootpath), () if own is None else (str(own),))


def wants_targets(config: pytest.Config) -> bool:
    return bool(config.getoption("agentready") or _named_targets(config) or chosen_nodes(config))


def leaves_targets_out(config: pytest.Config) -> bool:
    """Are there configured targets that this run does not examine?"""
    configured = config.getini("agentready_tools") or config.getini("agentready_loops")
    return bool(configured) and (not wants_targets(config) or _named_targets(config))


def _named_targets(config: pytest.Config) -> bool:
    return bool(config.getoption("agentready_tools") or config.getoption("agentready_loops"))


def take_nodes(config: pytest.Config) -> None:
    """Take the ids of our own nodes (`agentready::shop.tools.buy`) from pytest's arguments: it would look for a file."""
    ours = {argument: OWN_NODE.search(argument) for argument in config.args}
    config.stash[NODES_KEY] = tuple(found.group(1) for found in ours.values() if found)
    config.args[:] = [argument for argument in config.args if not ours[argument]]


def chosen_nodes(config: pytest.Config) -> tuple[str, ...]:
    return config.stash.get(NODES_KEY, ())
