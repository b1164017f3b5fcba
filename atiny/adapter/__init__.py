"""The adapters: what carries atiny on a host. `base` has the contracts, `posix` and `micropython` the runtimes' own.

``Platform``, ``FileStore`` and ``SlotStorage`` are those of the runtime that asks; their module is loaded when one of
them is first asked for.
"""

import sys

from . import base as base  # before __getattr__ is there: MicroPython would ask it, and not look for the module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .posix import FileStore as FileStore, Platform as Platform
    from .posix_storage import SlotStorage as SlotStorage


def __getattr__(name: str) -> object:
    if name in ("Platform", "FileStore"):
        if sys.implementation.name == "micropython":
            from .micropython import FileStore, Platform
        else:
            from .posix import FileStore, Platform  # type: ignore[assignment]
        return Platform if name == "Platform" else FileStore
    if name == "SlotStorage":
        if sys.implementation.name == "micropython":
            from .micropython_storage import SlotStorage
        else:
            from .posix_storage import SlotStorage  # type: ignore[assignment]
        return SlotStorage
    raise AttributeError("module %r has no attribute %r" % (__name__, name))
