"""Notification attributes (LwM2M 1.0, 5.1.2): what a server sets by Write-Attributes, and what is in force where.

An attribute set on an object holds for its instances, one set on an instance for its resources, unless they have
their own; where none says pmin or pmax, those of the Server object hold (/1/x/2, /1/x/3). Each server has its own
attributes.
"""

from ..coap.codes import BAD_REQUEST, CHANGED, METHOD_NOT_ALLOWED
from ..coap.message import Message
from ..errors import Rejected
from .operations import find, read
from .types import FLOAT, INTEGER, INTEGER_MAX, TIME

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .dispatch import Dispatcher
    from .observe import Observation

_PERIODS = ("pmin", "pmax")
_STEPS = ("gt", "lt", "st")
_NAMES = _PERIODS + _STEPS
_LONGEST = 32  # characters of a value


class Rules:
    """What the attributes in force ask of one observation, in milliseconds and in the resource's unit.

    It notifies not before ``pmin_ms``; of a number only where it crossed ``gt`` or ``lt`` or moved by ``st`` since the
    last notification; at ``pmax_ms`` even unchanged.
    """

    __slots__ = ("pmin_ms", "pmax_ms", "thresholds")

    def __init__(self, pmin: float, pmax: "float | None", thresholds: "dict[str, float]"):
        self.pmin_ms = int(pmin * 1000)
        # A pmax of 0 is none, and one below pmin, which can come together by inheritance only, cannot be kept (5.1.2).
        self.pmax_ms = int(pmax * 1000) if pmax and pmax >= pmin else None
        self.thresholds = thresholds  # gt, lt, st

    def due(self, observation: "Observation") -> "int | None":
        """When it is to be looked at next, or None."""
        if observation.dirty:
            return observation.last_ms + self.pmin_ms
        return None if self.pmax_ms is None else observation.last_ms + self.pmax_ms

    def ask_for(self, observation: "Observation", value: "float | None", now: int) -> bool:
        """Whether they call the way from the last notified value to this one worth a notification, or pmax does."""
        thresholds = self.thresholds
        last = observation.last_value
        if not thresholds or value is None or last is None:
            return True
        if self.pmax_ms is not None and now - observation.last_ms >= self.pmax_ms:
            return True
        gt = thresholds.get("gt")
        lt = thresholds.get("lt")
        if gt is not None and (last > gt) != (value > gt):
            return True
        if lt is not None and (last < lt) != (value < lt):
            return True
        step = thresholds.get("st")
        return step is not None and abs(value - last) >= step


class Attributes:
    """The attributes that one server has set, by path: periods in seconds, the others in the resource's unit.

    ``on_change()`` is told that they changed, where it is not None. ``server``: the Server object instance.
    """

    def __init__(self, on_change=None, server=None):
        self._set: "dict[tuple, dict[str, float]]" = {}
        self._on_change = on_change
        self._server = server

    def govern(self, observation: "Observation") -> None:
        """Give an observation the rules that are in force for it now."""
        in_force = self.in_force(observation.path)
        pmin = in_force.pop("pmin", self._server.default_pmin_s) or 0
        pmax = in_force.pop("pmax", self._server.default_pmax_s)
        observation.rules = Rules(pmin, pmax, in_force) if pmin or pmax or in_force else None

    def write(self, path: tuple, queries: "list[bytes]", type: "int | None") -> None:
        """Apply the queries of one Write-Attributes, all or none; `Rejected` 4.00 where they are wrong.

        ``type``: the resource's type, None for an object or an instance. A name without a value unsets it.
        """
        own = dict(self._set.get(path, {}))
        names = []
        for query in queries:
            name, value = _parse(query)
            if name in names:
                raise Rejected(BAD_REQUEST, "%s stands there twice" % name)
            names.append(name)
            if name in _STEPS and type not in (INTEGER, FLOAT, TIME):
                raise Rejected(BAD_REQUEST, "%s is for numeric resources" % name)
            if value is not None:
                own[name] = value
            elif name in own:
                own.pop(name)
        in_force = self.in_force(path[:-1])
        in_force.update(own)
        _check(in_force)
        self._set[path] = own
        if not own:
            self._set.pop(path)
        if self._on_change is not None:
            self._on_change()

    def own(self, path: tuple, inherited: bool = False) -> "list[tuple[str, float]]":
        """The (name, value) of what is set on this very path, or ``inherited`` too; in a fixed order: for Discover."""
        values = self.in_force(path) if inherited else self._set.get(path, {})
        return [(name, values[name]) for name in _NAMES if name in values]

    def in_force(self, path: tuple) -> "dict[str, float]":
        """What holds for a path, inherited or its own: name to value; periods in seconds."""
        found: "dict[str, float]" = {}
        for depth in range(1, len(path) + 1):
            found.update(self._set.get(path[:depth], {}))
        return found

    def all(self) -> "list[tuple[tuple, dict[str, float]]]":
        """Everything that is set: (path, {name: value}), in ascending order of the paths; to be kept, for `load`."""
        return [(path, dict(self._set[path])) for path in sorted(self._set)]

    def load(self, rows: "list[tuple[tuple, dict[str, float]]]") -> None:
        """Set what `all` told, in place of everything. A row that no Write-Attributes could have made is left out."""
        self._set = {}
        for path, values in rows:
            if values and 1 <= len(path) <= 3 and _are_valid(len(path), values):
                self._set[path] = dict(values)

    def forget(self, path: tuple) -> None:
        """Drop what is set on a path and below it, after a Delete."""
        for other in list(self._set):
            if other[: len(path)] == path:
                self._set.pop(other)
                if self._on_change is not None:
                    self._on_change()


def write_attributes(dispatcher: "Dispatcher", path: tuple, queries: "list[bytes]", payload: bytes) -> Message:
    """Carry out a Write-Attributes; the 2.04."""
    resource = find(dispatcher.model, path)[2]
    if payload:
        raise Rejected(BAD_REQUEST, "a payload and attributes")
    if len(path) > 3:
        raise Rejected(METHOD_NOT_ALLOWED)
    if resource is not None:
        read(dispatcher.model, path)  # attributes are for what can be read
    observations = dispatcher.observations
    observations.set_attributes().write(path, queries, None if resource is None else resource.type)
    observations.attributes_changed(path)
    return Message(CHANGED)


def _parse(query: bytes) -> "tuple[str, float | None]":
    """(name, value), or (name, None) where the query unsets the attribute."""
    key, equals, value = query.partition(b"=")
    for name in _NAMES:
        if key == name.encode():
            break
    else:
        raise Rejected(BAD_REQUEST, "unknown attribute")
    if not value:
        return name, None
    negative = value[:1] == b"-" and name not in _PERIODS
    integer, point, fraction = value[1 if negative else 0 :].partition(b".")
    if len(value) > _LONGEST or not integer.isdigit() or (point and not fraction.isdigit()):
        raise Rejected(BAD_REQUEST, "%s is not a number" % name)
    if point and name in _PERIODS:
        raise Rejected(BAD_REQUEST, "%s is in whole seconds" % name)
    number: float = float(value) if point else int(value)
    if name in _PERIODS:
        if number > INTEGER_MAX:
            raise Rejected(BAD_REQUEST, "%s is out of range" % name)
    elif not -INTEGER_MAX <= number <= INTEGER_MAX:
        number = float(value)
    if name == "st" and number <= 0:
        raise Rejected(BAD_REQUEST, "st is not positive")
    return name, number


def _are_valid(depth: int, values: "dict[str, float]") -> bool:
    """Whether a server may have set these on a path with ``depth`` ids."""
    for name in values:
        value = values[name]
        if name in _PERIODS:
            if type(value) is not int or not 0 <= value <= INTEGER_MAX:
                return False
        elif name not in _STEPS or depth < 3 or value - value != 0 or (name == "st" and value <= 0):
            return False
    try:
        _check(values)
    except Rejected:
        return False
    return True


def _check(values: "dict[str, float]") -> None:
    """The conditions of 5.1.2: pmin <= pmax (where there is one: 0 is none), lt < gt, lt + 2 st < gt."""
    pmax = values.get("pmax")
    if pmax and values.get("pmin", 0) > pmax:
        raise Rejected(BAD_REQUEST, "pmin is greater than pmax")
    gt = values.get("gt")
    lt = values.get("lt")
    if gt is not None and lt is not None and not lt + 2 * values.get("st", 0) < gt:
        raise Rejected(BAD_REQUEST, "gt is not greater than lt + 2 st")
