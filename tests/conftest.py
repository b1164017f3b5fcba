"""What all tests share: the fixtures of atiny's pytest plugin, hypothesis' settings."""

import os
from importlib import metadata

from hypothesis import HealthCheck, settings

PLUGIN = "atiny.testing.pytest_plugin"


def _comes_by_itself() -> bool:
    """Whether pytest has loaded the plugin already, by the entry point of an installed atiny."""
    if os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD"):
        return False
    return any(entry.value == PLUGIN for entry in metadata.entry_points(group="pytest11"))


pytest_plugins = [] if _comes_by_itself() else [PLUGIN]

# A machine that is busy with something else is no reason for a property to fail.
settings.register_profile("atiny", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("atiny")
