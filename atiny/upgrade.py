"""What makes a client's firmware one that servers can replace: an updater over the platform's storage."""

from .agent import Agent
from .commands import ATINY_GET_OTA_OPT
from .fota.options import FirmwareOptions
from .lwm2m.host import Host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .adapter.base import Platform


def add_firmware(
    agent: Agent,
    platform: "Platform",
    commands: Host,
    options: "FirmwareOptions | None",
    request: "Callable[[Callable[[Any, int], None], object], None]",
) -> None:
    """Give ``agent`` its updater. ``options`` None: what the host answers to ATINY_GET_OTA_OPT, or the defaults.

    ``request``: `Loop.request`, for sources of images that have threads of their own.
    """
    if options is None:
        answer = commands.get(ATINY_GET_OTA_OPT, None)
        options = answer if isinstance(answer, FirmwareOptions) else FirmwareOptions()
    sources: "list[Any]" = []
    try:
        from .adapter.http_source import http_sources

        sources += http_sources(platform, request)
    except ImportError:  # MicroPython: a source for HTTP is the host's (FirmwareOptions.sources)
        pass
    agent.add_firmware(platform.storage, options, sources)
