"""What the device does, as lines of its log: its events (LOG_INFO) and every CoAP message (LOG_DEBUG)."""

from .adapter.base import LOG_DEBUG, LOG_INFO
from .coap.trace import describe
from .params import EVENT_NAMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .adapter.base import Platform


class Trace:
    """Writes the lines to the log of ``platform``."""

    def __init__(self, platform: "Platform"):
        self._platform = platform
        self._now = platform.hardware.gettime_ms

    def event(self, event: int, argument: object) -> None:
        """One line for an ATINY_* event."""
        self._platform.log_line(LOG_INFO, "%s: %s" % (EVENT_NAMES[event], argument))

    def message(self, direction: str, link: int, message: bytes) -> None:
        """One line for a CoAP message: the ``trace`` of the agent's `Settings`."""
        self._platform.log_line(LOG_DEBUG, "%d %s %d %s" % (self._now(), direction, link, describe(message)))
