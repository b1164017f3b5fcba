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
    DELETE,
    GET,
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
from .formats import LINK, OPAQUE, TEXT, TLV, codec
from .formats.text import utf8
from .host import refusal
from .model import Model, Object, Resource
from .observe import Observations
from .operations import find, read, write
from .path import render, segment
from .types import OPAQUE as OPAQUE_TYPE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .access import Access
    from .streaming import Sink


class Dispatcher:
    """Answers one server's requests.

    ``account`` is the server's, with ``agent``, ``server`` and ``observations``. The agent has ``model``; ``settings``,
    of them ``single_format``: that of a single resource where the server asks for none, TEXT or TLV;
    ``model_changed(path)``, called for every path that the server changed; ``handler_failed(path, error)``, called with
    the str of the path for what a handler of the host raised; ``servers``, whose ``access`` says what the server may
    do: where it is None, everything.

    ``defer(request, path, deferred)``: has an Execute answered later, with `late`; None: nothing can be.

    What few servers ask for is imported where it is asked for: a build may do without, and then answers 4.05.
    """

    def __init__(self, account):
        agent = account.agent
        self.model: Model = agent.model
        self.observations: Observations = account.observations
        self.changed = agent.model_changed
        self.failed = agent.handler_failed
        self.access: "Access | None" = agent.servers.access
        self.short_server_id: int = account.server.short_server_id
        self.defer: "Any" = None
        self._single_format: int = agent.settings.single_format

    def handle(self, request: Message) -> "Message | None":
        """The response to a request, or None where it comes later."""
        path: "tuple[int, ...]" = ()
        queries: "list[bytes]" = []
        accept = content_format = observe = None
        try:
            for number, value in request.options:
                if number == URI_PATH:
                    id = segment(value)
                    if id is None:
                        raise Rejected(NOT_FOUND)
                    path += (id,)
                elif number == ACCEPT:
                    accept = int.from_bytes(value, "big")
                elif number == CONTENT_FORMAT:
                    content_format = int.from_bytes(value, "big")
                elif number == OBSERVE:
                    observe = int.from_bytes(value, "big")
                elif number == URI_QUERY:
                    queries.append(value)
            code = request.code
            if not path and code <= DELETE:  # FETCH, PATCH, iPATCH: LwM2M 1.1 uses them on the root
                raise Rejected(BAD_REQUEST, "the root is not a resource")
            if len(path) > 4:
                raise Rejected(BAD_OPTION, "more than 4 path segments")
            if code == GET:
                if accept == LINK:
                    from .discover import discover

                    return discover(self, path)
                if observe == 0:
                    return self._observe(request, path, accept)
                if observe == 1:
                    self.observations.cancel(request.token, path)
                return self.render(path, self._read(path), accept)
            if self.access is not None:
                self.access.authorize(self.short_server_id, code, path, bool(queries))
            if code == DELETE:
                from .instances import delete

                return delete(self, path)
            payload = request.payload
            if code == POST:
                if len(path) == 1:
                    from .instances import create

                    return create(self, path, content_format, payload)
                _, instance, resource = find(self.model, path)
                if resource is not None and not resource.multiple:
                    # A single resource has no other POST than an Execute (5.4.5).
                    return self._execute(request, path, content_format, instance, resource)
                if not payload and content_format is None:
                    raise Rejected(METHOD_NOT_ALLOWED)  # nothing, and no format of it, is an Execute
            elif code != PUT:
                raise Rejected(METHOD_NOT_ALLOWED)
            elif queries:
                from .attributes import write_attributes

                return write_attributes(self, path, queries, payload)
            write(self.model, path, content_format, payload, code == PUT, self.changed, self.short_server_id)
            return Message(CHANGED)
        except Exception as error:
            return refusal(path, error, self.failed)

    def stream(self, request: Message) -> "Sink | Message | None":
        """What takes the blocks of a long Write, or refuses it; None: it is to be joined, and given to `handle`."""
        from .streaming import open_sink

        return open_sink(self, request)

    # -- reading

    def represent(self, path: tuple, accept: "int | None") -> "tuple[Message, float | None]":
        """The response with what is at a path now, and its number where it is one; what goes wrong is the response."""
        try:
            return self._state(path, accept)
        except Exception as error:
            return refusal(path, error, self.failed), None

    def _state(self, path: tuple, accept: "int | None") -> "tuple[Message, float | None]":
        """As `represent`; it raises. The number is for the attributes gt, lt, st."""
        entries = self._read(path)
        number = None
        if len(entries) == 1 and entries[0][0] == path and type(entries[0][2]) in (int, float):
            number = entries[0][2]
        return self.render(path, entries, accept), number

    def _read(self, path: tuple) -> "list[tuple]":
        """The entries at a path that the server may read, of an object those of the instances that it may."""
        ids = None
        if self.access is not None:
            ids = self.access.readable(self.short_server_id, path)
        return read(self.model, path, ids)

    def may_read(self, path: tuple) -> bool:
        """Whether the server may know of what is at a path: asked before a report from there goes up to it.

        Of an object that depends on its instances: with several servers it is False.
        """
        return self.access is None or self.access.allowed(self.short_server_id, path)

    def render(self, path: tuple, entries: "list[tuple]", accept: "int | None") -> Message:
        """The 2.05 with these entries, in the format that is asked for or the default one (8.2.5).

        4.06 where the format cannot express them.
        """
        wanted = accept
        if wanted is None:
            if len(entries) != 1 or entries[0][0] != path:
                wanted = TLV
            elif entries[0][1] == OPAQUE_TYPE:
                wanted = OPAQUE
            else:
                wanted = self._single_format
        found = codec(wanted)
        if found is None:
            raise Rejected(NOT_ACCEPTABLE)
        try:
            payload = found[0](path, entries)
        except CodecError:
            if accept is not None or wanted == TLV:
                raise Rejected(NOT_ACCEPTABLE) from None
            return self.render(path, entries, TLV)
        return Message(CONTENT, [(CONTENT_FORMAT, uint_bytes(wanted))], payload)

    def _observe(self, request: Message, path: tuple, accept: "int | None") -> Message:
        try:
            if self.access is not None:
                self.access.readable(self.short_server_id, path)
            resource = find(self.model, path)[2]
            raw = resource is not None and resource.raw and resource.readable
            if raw:
                # What is observed are the host's reports, and there is none yet (SDK: 2.05, format 42, empty).
                response = Message(CONTENT, [(CONTENT_FORMAT, uint_bytes(OPAQUE))])
                number = None
            else:
                response, number = self._state(path, accept)
        except Exception:
            self.observations.cancel(request.token)
            raise
        sequence = self.observations.add(request, path, accept, raw, number)
        response.options = [(OBSERVE, uint_bytes(sequence))] + response.options
        return response

    # -- changing

    def _execute(
        self, request: Message, path: tuple, content_format: "int | None", instance: Object, resource: Resource
    ) -> "Message | None":
        if not resource.executable:
            raise Rejected(METHOD_NOT_ALLOWED)
        if request.payload and content_format not in (None, TEXT):
            raise Rejected(UNSUPPORTED_CONTENT_FORMAT)
        try:
            # Not parsed: 5.4.5 has a syntax (0='on',1), hosts of the SDK have their own, and say 4.00 themselves.
            arguments = utf8(request.payload)
        except CodecError as error:
            raise Rejected(BAD_REQUEST, str(error)) from None
        response = Message(CHANGED)
        result = instance.execute(resource, arguments)
        if self.defer is not None and hasattr(result, "attach"):  # a Deferred
            self.defer(request, path, result)
            return None
        if callable(result):
            response.after = lambda: self._after(path, result)
        return response

    def late(self, path: tuple, error: "Exception | None") -> Message:
        """The response to an Execute that was deferred."""
        return Message(CHANGED) if error is None else refusal(path, error, self.failed)

    def _after(self, path: tuple, function) -> None:
        """What an Execute left for the time after its answer; the server cannot be told any more that it failed."""
        try:
            function()
        except Exception as error:
            self.failed(render(path), error)
