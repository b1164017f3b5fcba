"""One observed path: when it is due, and what its attributes call worth a notification (LwM2M 1.0, 5.1.2)."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..coap.message import Message


class Observation:
    """One observed path. Times in milliseconds of the agent's clock."""

    __slots__ = (
        "request",
        "path",
        "accept",
        "raw",
        "pmin_ms",
        "pmax_ms",
        "thresholds",
        "last_ms",
        "last_value",
        "confirmed_ms",
        "dirty",
        "held",
        "in_flight",
    )

    request: "Message"  # the latest GET that asked for it
    accept: "int | None"

    def __init__(self, path: tuple, raw: bool):
        self.path = path
        self.raw = raw
        self.pmin_ms = 0
        self.pmax_ms: "int | None" = None
        self.thresholds: "dict[str, float]" = {}  # gt, lt, st
        self.last_ms = 0
        self.last_value: "float | None" = None
        self.confirmed_ms = 0
        self.dirty = False
        self.held = False  # it was due while the server could not be told: it is looked at again once that can be
        self.in_flight = False

    def due(self) -> "int | None":
        """When it is to be looked at next, or None."""
        if self.in_flight or self.raw or self.held:
            return None
        if self.dirty:
            return self.last_ms + self.pmin_ms
        return None if self.pmax_ms is None else self.last_ms + self.pmax_ms

    def crossed(self, value: "float | None") -> bool:
        """Whether the attributes call the way from the last notified value to this one worth a notification."""
        thresholds = self.thresholds
        last = self.last_value
        if not thresholds or value is None or last is None:
            return True
        gt = thresholds.get("gt")
        lt = thresholds.get("lt")
        if gt is not None and (last > gt) != (value > gt):
            return True
        if lt is not None and (last < lt) != (value < lt):
            return True
        step = thresholds.get("st")
        return step is not None and abs(value - last) >= step
