"""The adapters: what carries atiny on a host. `base` has the contracts, `posix` and `micropython` the runtimes' own.

``Platform`` is that of the runtime that asks.
"""

import sys

from . import base as base

if sys.implementation.name == "micropython":
    from .micropython import Platform as Platform
else:
    from .posix import Platform as Platform  # type: ignore[assignment]
