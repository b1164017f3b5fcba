"""The adapters: what carries atiny on a host. `base` has the contracts, `posix` and `micropython` the runtimes' own.

``atiny.adapter.Platform`` is the platform of the runtime that asks; its module is loaded when it is first asked for.
"""

import sys

from . import base as base  # before __getattr__ is there: MicroPython would ask it, and not look for the module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .posix import Platform as Platform


def __getattr__(name: str) -> object:
    if name == "Platform":
        if sys.implementation.name == "micropython":
            from .micropython import Platform
        else:
            from .posix import Platform  # type: ignore[assignment]
        return Platform
    raise AttributeError("module %r has no attribute %r" % (__name__, name))
