"""A Write that comes in many blocks, between the CoAP layer and the object that takes it piece by piece."""

from ..coap.codes import BAD_REQUEST, CONTENT_FORMAT, METHOD_NOT_ALLOWED, PUT, URI_PATH, URI_QUERY
from ..coap.message import Message
from ..errors import Rejected
from .formats import OPAQUE, TEXT, TLV, TLV_LEGACY
from .host import refusal
from .model import Model, Object, Resource
from .path import segment


def target(model: Model, request: Message) -> "tuple[tuple[int, ...], Resource, bool] | None":
    """(path, row, in TLV) of the streamed resource that a request writes, or None; its instance may not exist.

    None too for another format, of which the value is only a part: that is joined first. `Rejected` (4.05) for a POST:
    a single resource that is not executed has no other operations (5.4.5), and the rest of the blocks is of no use.
    """
    path: "tuple[int, ...]" = ()
    queries = in_tlv = False
    for number, value in request.options:
        if number == URI_PATH:
            id = segment(value)
            if id is None:
                return None
            path += (id,)
        elif number == CONTENT_FORMAT:
            content_format = int.from_bytes(value, "big")
            in_tlv = content_format in (TLV, TLV_LEGACY)
            if not in_tlv and content_format not in (TEXT, OPAQUE):
                return None
        elif number == URI_QUERY:
            queries = True
    entry = model.objects.get(path[0]) if len(path) == 3 else None
    row = None if entry is None else entry.table.get(path[2])
    if row is None or not row.stream or queries:
        return None
    if request.code != PUT:
        raise Rejected(METHOD_NOT_ALLOWED)
    return path, row, in_tlv


def write_whole(instance: Object, row: Resource, value: bytes, server: "int | None") -> None:
    """Write a value that is here in one piece."""
    sink = instance.open_sink(row, server)
    sink.write(0, value, len(value))
    sink.end()


class Unwrapped:
    """Takes a value within TLV, as servers write a single resource by default, and passes it on to ``sink``.

    The head of the TLV (6.4.3), 6 bytes at most, is within the first block, which has 16 at least.
    """

    __slots__ = ("_sink", "_id", "_head", "_length", "_passed")

    def __init__(self, sink, id: int):
        self._sink = sink
        self._id = id
        self._head = 0  # bytes of the TLV's head
        self._length = 0  # of the value, as the head says
        self._passed = 0

    def write(self, offset: int, data: bytes, total: "int | None") -> None:
        """The next bytes of the TLV."""
        if not offset:
            self._take_head(data)
            data = data[self._head :]
        if self._passed + len(data) > self._length:
            self._refuse("there is more than the TLV of the resource")
        if data:
            self._sink.write(self._passed, data, self._length)
            self._passed += len(data)

    def _take_head(self, data: bytes) -> None:
        kind = data[0]
        ids = 2 if kind & 0x20 else 1
        width = kind >> 3 & 3
        self._head = 1 + ids + width
        self._length = int.from_bytes(data[1 + ids : self._head], "big") if width else kind & 7
        if kind >> 6 != 3 or len(data) < self._head or int.from_bytes(data[1 : 1 + ids], "big") != self._id:
            self._refuse("the TLV is not that of the resource")

    def _refuse(self, why: str) -> None:
        self._sink.abandon()
        raise Rejected(BAD_REQUEST, why)

    def end(self) -> None:
        """All of it is written."""
        if self._passed < self._length:
            self._refuse("the TLV of the resource is cut short")
        self._sink.end()

    def abandon(self) -> None:
        """The rest will not come."""
        self._sink.abandon()


class Sink:
    """The sink of a host's object, made safe for the layer below: what it raises is told as a `Rejected`.

    ``failed(path, error)`` is told what is the host's fault. ``changed(path)`` is called once all is written.
    """

    __slots__ = ("_path", "_sink", "_failed", "_changed")

    def __init__(self, path: tuple, sink, failed, changed):
        self._path = path
        self._sink = sink
        self._failed = failed
        self._changed = changed

    def write(self, offset: int, data: bytes, total: "int | None") -> None:
        """The next bytes."""
        try:
            self._sink.write(offset, data, total)
        except Exception as error:
            raise self._rejected(error) from None

    def end(self) -> None:
        """All of it is written."""
        try:
            self._sink.end()
            self._changed(self._path)
        except Exception as error:
            raise self._rejected(error) from None

    def abandon(self) -> None:
        """The rest will not come."""
        try:
            self._sink.abandon()
        except Exception as error:
            self._rejected(error)

    def _rejected(self, error: Exception) -> Rejected:
        answer = refusal(self._path, error, self._failed)
        return Rejected(answer.code, answer.payload.decode())
