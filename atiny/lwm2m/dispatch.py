"""From a CoAP request of a server to an operation on the model, and back to a response (LwM2M 1.0, 5.4, 6, 8.2).

One `Dispatcher` per server: its attributes and observations are its own. Nothing a server sends raises out of here:
what is wrong with the request is answered with its code, what a handler of the host raises with 5.00 and an event.
"""

from ..coap.codes import (
    ACCEPT,
    BAD_OPTION,
    BAD_REQUEST,
    CHANGED,
    CONTENT,
    CONTENT_FORMAT,
    CREATED,
    DELETE,
    DELETED,
    GET,
    LOCATION_PATH,
    METHOD_NOT_ALLOWED,
    NOT_ACCEPTABLE,
    NOT_FOUND,
    OBSERVE,
    POST,
    PUT,
    UNSUPPORTED_CONTENT_FORMAT,
    URI_PATH,
    URI_QUERY,
)
from ..coap.message import Message, uint_bytes
from ..errors import CodecError, Rejected
from . import discover, operations
from .access import Access
from .attributes import Attributes
from .deferred import Deferred
from .formats import LINK, OPAQUE, TEXT, TLV, codec, link
from .formats.text import utf8
from .host import refusal
from .model import Model
from .objects import access_control as rights
from .observe import Observations
from .path import render, segment
from .streaming import Sink, Unwrapped, target
from .types import FLOAT, INTEGER, OPAQUE as OPAQUE_TYPE, TIME


class Dispatcher:
    """Answers one server's requests.

    ``changed(path)`` is called for every path that the server changed; ``failed(path, error)`` with the str of the
    path for what a handler of the host raised; ``deferred(request, path, deferred)`` for an Execute that is answered
    later, with `late`. ``single_format``: the format of a single resource where the server asks for none, TEXT or TLV.
    ``access``, ``short_server_id``: what the server may do; without an `Access` everything.
    """

    def __init__(
        self,
        model: Model,
        attributes: Attributes,
        observations: Observations,
        changed,
        failed,
        deferred,
        single_format: int = TEXT,
        access: "Access | None" = None,
        short_server_id: "int | None" = None,
    ):
        self._model = model
        self._attributes = attributes
        self._observations = observations
        self._changed = changed
        self._failed = failed
        self._deferred = deferred
        self._single_format = single_format
        self._access = access
        self._short_server_id = short_server_id

    def handle(self, request: Message) -> "Message | None":
        """The response to a request, or None where it comes later."""
        path: "list[int]" = []
        queries: "list[bytes]" = []
        accept = content_format = observe = None
        try:
            for number, value in request.options:
                if number == URI_PATH:
                    id = segment(value)
                    if id is None:
                        raise Rejected(NOT_FOUND)
                    path.append(id)
                elif number == ACCEPT:
                    accept = int.from_bytes(value, "big")
                elif number == CONTENT_FORMAT:
                    content_format = int.from_bytes(value, "big")
                elif number == OBSERVE:
                    observe = int.from_bytes(value, "big")
                elif number == URI_QUERY:
                    queries.append(value)
            if not path:
                if request.code > DELETE:
                    raise Rejected(METHOD_NOT_ALLOWED)  # FETCH, PATCH, iPATCH: LwM2M 1.1 uses them on the root
                raise Rejected(BAD_REQUEST, "the root is not a resource")
            if len(path) > 4:
                raise Rejected(BAD_OPTION, "more than 4 path segments")
            code = request.code
            where = tuple(path)
            if code == GET:
                if accept == LINK:
                    return self._discover(where)
                if observe is not None:
                    return self._observe(request, where, accept, observe)
                return self.render(where, self._read(where), accept)
            if self._access is not None and self._access.active:
                self._authorize(self._access, code, where, bool(queries))
            if code == PUT:
                if queries:
                    return self._write_attributes(where, queries, request.payload)
                return self._write(where, content_format, request.payload, True)
            if code == POST:
                return self._post(request, where, content_format)
            if code == DELETE:
                return self._delete(where)
            raise Rejected(METHOD_NOT_ALLOWED)
        except Exception as error:
            return self._error(tuple(path), error)

    def stream(self, request: Message) -> "Sink | Message | None":
        """What takes the blocks of a long Write, or refuses it; None: it is to be joined, and given to `handle`."""
        path: "tuple[int, ...]" = ()
        try:
            found = target(self._model, request)
            if found is None:
                return None
            path, row, in_tlv = found
            if self._access is not None and self._access.active:
                self._authorize(self._access, request.code, path, False)
            sink = operations.find(self._model, path)[1].open_sink(row, self._short_server_id)
            if in_tlv:
                sink = Unwrapped(sink, row.id)
            return Sink(path, sink, self._failed, self._changed if row.readable else _nobody)
        except Exception as error:
            return self._error(path, error)

    def _authorize(self, access: Access, code: int, path: tuple, attributes: bool) -> None:
        """4.01 where the server may not change what it asks to change (7.3.2); what there is not is left to 4.04.

        Reading is not checked here but in `_read`, by which notifications go too.
        """
        entry = self._model.objects.get(path[0])
        if entry is None or (len(path) > 1 and path[1] not in entry.instances):
            return
        if len(path) == 1:
            if code != POST:
                return  # attributes of an object need no right; Write and Delete have no object as their target
            needed = rights.CREATE
        elif code == PUT:
            needed = rights.READ if attributes else rights.WRITE
        elif code == DELETE:
            needed = rights.DELETE
        else:
            row = entry.table.get(path[2]) if len(path) == 3 else None
            needed = rights.EXECUTE if len(path) == 3 and (row is None or not row.multiple) else rights.WRITE
        access.check(self._short_server_id, path, needed)

    def may_read(self, path: tuple) -> bool:
        """Whether the server may know of what is at a path: asked before a report from there goes up to it.

        Of an object that depends on its instances: with several servers it is False.
        """
        access = self._access
        return access is None or access.allowed(self._short_server_id, path, rights.READ)

    def _error(self, path: tuple, error: Exception) -> Message:
        """The response to what went wrong."""
        return refusal(path, error, self._failed)

    def represent(self, path: tuple, accept: "int | None") -> "tuple[Message, float | None]":
        """The response with what is at a path now, and its number where it is one; what goes wrong is the response."""
        try:
            entries = self._read(path)
            return self.render(path, entries, accept), _number(path, entries)
        except Exception as error:
            return self._error(path, error), None

    def _read(self, path: tuple) -> "list[tuple]":
        """The entries at a path that the server may read, of an object those of the instances that it may."""
        access = self._access
        if access is None or not access.active:
            return operations.read(self._model, path)
        return operations.read(self._model, path, access.readable(self._short_server_id, path))

    def render(self, path: tuple, entries: "list[tuple]", accept: "int | None") -> Message:
        """The 2.05 with these entries, in the format that is asked for or the default one (8.2.5).

        4.06 where the format cannot express them.
        """
        single = len(entries) == 1 and entries[0][0] == path
        wanted = accept
        if wanted is None:
            if not single:
                wanted = TLV
            elif entries[0][1] == OPAQUE_TYPE:
                wanted = OPAQUE
            else:
                wanted = self._single_format
        module = codec(wanted)
        if module is None:
            raise Rejected(NOT_ACCEPTABLE)
        try:
            payload = module.encode(path, entries)
        except CodecError:
            if accept is not None or wanted == TLV:
                raise Rejected(NOT_ACCEPTABLE) from None
            return self.render(path, entries, TLV)
        return Message(CONTENT, [(CONTENT_FORMAT, uint_bytes(wanted))], payload)

    def _observe(self, request: Message, path: tuple, accept: "int | None", observe: int) -> Message:
        observations = self._observations
        if observe == 1:
            observations.cancel(request.token, path)
        if observe != 0:
            return self.represent(path, accept)[0]
        try:
            if self._access is not None and self._access.active:
                self._access.readable(self._short_server_id, path)
            resource = operations.find(self._model, path)[2]
        except Rejected as error:
            observations.failed(request.token)
            return self._error(path, error)
        raw = resource is not None and resource.raw and resource.readable
        number = None
        if raw:
            # What is observed are the host's reports, and there is none yet (SDK: 2.05, format 42, empty).
            response = Message(CONTENT, [(CONTENT_FORMAT, uint_bytes(OPAQUE))])
        else:
            response, number = self.represent(path, accept)
            if response.code != CONTENT:
                observations.failed(request.token)
                return response
        sequence = observations.add(request, path, accept, raw, number)
        response.options = [(OBSERVE, uint_bytes(sequence))] + response.options
        return response

    def _discover(self, path: tuple) -> Message:
        """The links that the server may see, with their attributes."""
        access = self._access
        ids = None
        if access is not None and access.active:
            ids = access.instances(self._short_server_id, path, rights.ALL)
        links = discover.links(self._model, self._attributes, path, ids)
        return Message(CONTENT, [(CONTENT_FORMAT, uint_bytes(LINK))], link.render(links))

    def _write_attributes(self, path: tuple, queries: "list[bytes]", payload: bytes) -> Message:
        resource = operations.find(self._model, path)[2]
        if payload:
            raise Rejected(BAD_REQUEST, "a payload and attributes")
        if len(path) > 3:
            raise Rejected(METHOD_NOT_ALLOWED)
        if resource is not None:
            operations.read(self._model, path)  # attributes are for what can be read
        self._attributes.write(path, queries, None if resource is None else resource.type)
        self._observations.attributes_changed(path)
        return Message(CHANGED)

    def _write(self, path: tuple, content_format: "int | None", payload: bytes, replace: bool) -> Message:
        entry, _, resource = operations.find(self._model, path)
        if len(path) == 1 or (resource is not None and not resource.writable):
            raise Rejected(METHOD_NOT_ALLOWED)
        values = operations.decode(entry, path, content_format, payload)
        operations.write(self._model, path, values, replace, self._changed, self._short_server_id)
        return Message(CHANGED)

    def late(self, path: tuple, error: "Exception | None") -> Message:
        """The response to an Execute that was deferred."""
        return Message(CHANGED) if error is None else self._error(path, error)

    def _post(self, request: Message, path: tuple, content_format: "int | None") -> "Message | None":
        payload = request.payload
        if len(path) == 1:
            return self._create(path, content_format, payload)
        resource = operations.find(self._model, path)[2]
        if resource is None or not resource.executable:
            # Nothing, and no format of it, is an Execute: of a single resource (5.4.5), and of no other thing.
            if resource is not None and not resource.multiple or (not payload and content_format is None):
                raise Rejected(METHOD_NOT_ALLOWED)
            return self._write(path, content_format, payload, False)
        if payload and content_format not in (None, TEXT):
            raise Rejected(UNSUPPORTED_CONTENT_FORMAT)
        try:
            # Not parsed: 5.4.5 has a syntax (0='on',1), hosts of the SDK have their own, and say 4.00 themselves.
            arguments = utf8(payload)
        except CodecError as error:
            raise Rejected(BAD_REQUEST, str(error)) from None
        response = Message(CHANGED)
        result = operations.execute(self._model, path, arguments)
        if isinstance(result, Deferred):
            self._deferred(request, path, result)
            return None
        if callable(result):
            response.after = lambda: self._after(path, result)
        return response

    def _after(self, path: tuple, function) -> None:
        """What an Execute left for the time after its answer; the server cannot be told any more that it failed."""
        try:
            function()
        except Exception as error:
            self._failed(render(path), error)

    def _create(self, path: tuple, content_format: "int | None", payload: bytes) -> Message:
        entry = operations.find(self._model, path)[0]
        if content_format is None and payload:
            # 1.0 says so (8.5), and every server of today names the format.
            raise Rejected(BAD_REQUEST, "a Create names its Content-Format")
        values = operations.decode(entry, path, content_format, payload)
        made = operations.create(self._model, path, values, self._short_server_id)
        changes = list(made)
        if self._access is not None:
            for created in made:
                changes.extend(self._access.created(created, self._short_server_id))
        for changed in changes:
            self._changed(changed)
        location = made[0] if len(made) == 1 else ()
        return Message(CREATED, [(LOCATION_PATH, str(id).encode()) for id in location])

    def _delete(self, path: tuple) -> Message:
        instance = operations.delete(self._model, path)
        controls = [] if self._access is None else self._access.deleted(path)
        self._changed(path)
        for control in controls:
            self._changed(control)
        instance.deleted()
        return Message(DELETED)


def _nobody(path: tuple) -> None:
    """What cannot be read has no observers."""


def _number(path: tuple, entries: "list[tuple]") -> "float | None":
    """The value of a numeric resource, or None: for the attributes gt, lt, st."""
    if len(entries) == 1 and entries[0][0] == path and entries[0][1] in (INTEGER, FLOAT, TIME):
        return entries[0][2]
    return None
