"""What an agent is told about the device that is the same for all its servers."""

from .coap.codes import MAX_TRANSMIT_WAIT_MS
from .coap.exchange import Transmission
from .lwm2m.formats import TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Clock:
    """The time that the agent was last told, for all its parts."""

    __slots__ = ("ms",)

    def __init__(self) -> None:
        self.ms = 0


class Settings:
    """What is the same for all servers. Times in milliseconds.

    ``confirmable_notifications``: whether a changed value goes as CON (reports do whenever their end is asked for).
    ``single_format``: the Content-Format of a single resource where the server names none. ``block_szx``: the
    largest block is 2**(szx + 4) bytes. ``max_body``: the longest body that is joined from blocks, in bytes.
    ``trace("<-" or "->", link, message)``: is told every CoAP message, in plaintext. ``awake_ms``: how long a device in
    queue mode listens after the last message. ``stored_notifications``: how many are kept for each server while it
    cannot be told. ``tries``: attempts to register, after which an account counts as one that does not work.
    """

    def __init__(self, endpoint_name: str):
        self.endpoint_name = endpoint_name
        self.transmission = Transmission()
        self.retry_min_ms = 2000
        self.retry_max_ms = 120000
        self.confirmable_notifications = False
        self.single_format = TEXT
        self.block_szx = 6
        self.max_body = 16384
        self.awake_ms = MAX_TRANSMIT_WAIT_MS
        self.stored_notifications = 32
        self.tries = 3
        self.trace: "Callable[[str, int, bytes], None] | None" = None
