"""A Write that comes in many blocks, between the CoAP layer and the object that takes it piece by piece."""

from ..coap.codes import BAD_REQUEST, CONTENT_FORMAT, METHOD_NOT_ALLOWED, PUT, URI_PATH, URI_QUERY
from ..coap.message import Message
from ..errors import Rejected
from .formats import OPAQUE, TEXT, TLV, TLV_LEGACY
from .host import refusal
from .operations import find
from .path import segment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .dispatch import Dispatcher
    from .model import Object, Resource


def open_sink(dispatcher: "Dispatcher", request: Message) -> "Sink | Message | None":
    """What takes the blocks of a request that writes a streamed resource, or refuses them; None for any other request.

    None too for another format, of which the value is only a part: that is joined first. 4.05 for a POST: a single
    resource that is not executed has no other operations (5.4.5), and the rest of the blocks is of no use.
    """
    path: "Any" = tuple([segment(value) for value in request.all(URI_PATH)])
    entry = dispatcher.model.objects.get(path[0]) if len(path) == 3 and None not in path else None
    row = None if entry is None else entry.table.get(path[2])
    content_format = request.uint(CONTENT_FORMAT)
    if row is None or row.stream is None or request.option(URI_QUERY) is not None:
        return None
    if content_format not in (None, TEXT, OPAQUE, TLV, TLV_LEGACY):
        return None
    server = dispatcher.short_server_id
    try:
        if request.code != PUT:
            raise Rejected(METHOD_NOT_ALLOWED)
        if dispatcher.access is not None:
            dispatcher.access.authorize(server, PUT, path, False)
        sink = find(dispatcher.model, path)[1].open_sink(row, server)
        return Sink(dispatcher, path, row, sink, content_format in (TLV, TLV_LEGACY))
    except Exception as error:
        return refusal(path, error, dispatcher.failed)


def write_whole(instance: "Object", row: "Resource", value: bytes, server: "int | None") -> None:
    """Write a value that is here in one piece."""
    sink = instance.open_sink(row, server)
    sink.write(0, value, len(value))
    sink.end()


class Sink:
    """The sink of a host's object, made safe for the layer below: what it raises is told as a `Rejected`.

    ``in_tlv``: the value comes within a TLV, as servers write a single resource by default, whose head (6.4.3) is in
    the first block: it has 6 bytes at most, a block 16 at least.
    """

    def __init__(self, dispatcher: "Dispatcher", path: tuple, row: "Resource", sink, in_tlv: bool):
        self._dispatcher = dispatcher
        self._path = path
        self._row = row
        self._sink = sink
        self._in_tlv = in_tlv
        self._length = 0  # of the value, as the TLV says
        self._passed = 0  # bytes of the value

    def write(self, offset: int, data: bytes, total: "int | None") -> None:
        """The next bytes."""
        if self._in_tlv:
            if not offset:
                kind = data[0]
                length = 3 if kind & 0x20 else 2  # where the length begins,
                value = length + (kind >> 3 & 3)  # and where the value does
                if kind >> 6 != 3 or int.from_bytes(data[1:length], "big") != self._row.id:
                    self._refuse("the TLV is not that of the resource")
                self._length = int.from_bytes(data[length:value], "big") if kind & 0x18 else kind & 7
                data = data[value:]
            total = self._length
            if self._passed + len(data) > total:
                self._refuse("there is more than the TLV of the resource")
        if data:
            self._call(self._sink.write, self._passed, data, total)
            self._passed += len(data)

    def end(self) -> None:
        """All of it is written."""
        if self._passed < self._length:
            self._refuse("the TLV of the resource is cut short")
        self._call(self._sink.end)
        if self._row.readable:  # else it has no observers
            self._dispatcher.changed(self._path)

    def abandon(self) -> None:
        """The rest will not come."""
        try:
            self._call(self._sink.abandon)
        except Rejected:
            pass

    def _refuse(self, why: str) -> None:
        self.abandon()
        raise Rejected(BAD_REQUEST, why)

    def _call(self, method, *arguments) -> None:
        try:
            method(*arguments)
        except Exception as error:
            answer = refusal(self._path, error, self._dispatcher.failed)
            raise Rejected(answer.code, answer.payload.decode()) from None
