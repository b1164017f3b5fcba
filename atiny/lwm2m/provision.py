"""What a bootstrap server may do: Discover, Write, Delete and Finish (LwM2M 1.0, 5.2.7 and 8.2.3).

The accounts (Security, Server, Access Control) are written aside, in a copy of the model, and count once Finish has
found them consistent: until then the device goes on with what it has. Other objects are the device's own; what is
written to them holds at once, after the checks that any server's Write goes through.

Where the specification leaves room, or servers do otherwise than it says:

- A Write of an instance of an account replaces it: what the payload does not name is as in a new instance. Nothing is
  mandatory before Finish. A Write of a resource changes that one, and makes the instance where there is none.
- Resources that an object does not know are ignored in a Write of an instance or an object (5.2.7.4), so the many
  that servers of later versions send; in a Write of just that resource they are 4.00.
- What is to be deleted and is not there: 2.02. The bootstrap server's account is not deleted (5.2.7.5), by its own
  path: 4.00. Of other objects only the instances that a server could create are; Device is none of them.
- The bootstrap server replaces its own account by writing over it, or by writing another one anywhere: then the old
  one goes at Finish (5.2.3, step 3), as no server can delete it. A server's account that is written over it does not
  replace it: many servers take the instance for free. Without its account a device could never be bootstrapped again,
  so that moves to a free instance.
- A server whose Security instance is gone leaves with it at Finish (E.1.3): its Server instance, if that was not
  written in this bootstrap, its entries in Access Control, and its ownership. Object instances to which then nobody has
  a right are deleted where a server could have created them; the device's own get new access control.
- The answer to Discover names the enabler's version as ``</>;lwm2m="1.0"``. The examples of 1.0 do without the link,
  which is no link format (1.1 says so): servers that parse it break off. Without a valid short server id no ``ssid``.
"""

from ..coap.codes import (
    ACCEPT,
    BAD_REQUEST,
    CHANGED,
    CONTENT,
    CONTENT_FORMAT,
    DELETE,
    DELETED,
    GET,
    METHOD_NOT_ALLOWED,
    NOT_ACCEPTABLE,
    NOT_FOUND,
    POST,
    PUT,
    REQUEST_ENTITY_TOO_LARGE,
    URI_PATH,
    URI_QUERY,
)
from ..coap.message import Message, uint_bytes
from ..errors import ParameterError, Rejected
from . import instances, operations
from .accounts import bootstrap_security, check, copy_accounts, copy_instance, unbootstrap
from .formats import LINK, link
from .host import refusal
from .model import Model, ObjectEntry
from .objects.access_control import NO_INSTANCE
from .path import MAX_ID, render, segment
from .registration import VERSION
from .servers import ACCOUNT_OBJECTS, SECURITY, SERVER, instances as all_instances
from .types import OPAQUE, STRING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FINISH = [b"bs"]

# What one bootstrap may leave in a device's memory: instances of Security, Server and Access Control, bytes of a value.
MAX_INSTANCES = (16, 16, 128)
MAX_VALUE = 4096


class Provision:
    """Answers the bootstrap server's requests.

    ``agent`` has ``model``, ``handler_failed(path, error)`` and ``model_changed(path)``. ``owner`` has ``operation()``:
    the server did something, and goes on; ``finished()``: it is done, and has its answer; ``tell_failed(reason)``: its
    Finish was answered with 4.06, and it may correct what it wrote.

    ``staged``: the accounts as the server writes them; None: no request is answered until the next `begin`.
    ``finished``: what it wrote, once Finish has found it consistent: nobody changes that any more.
    """

    def __init__(self, agent, owner):
        self.staged: "Model | None" = None
        self.finished: "Model | None" = None
        self._agent = agent
        self._owner = owner
        self._model: Model = agent.model
        self._own = NO_INSTANCE  # that of the bootstrap server's account as it was before, while none is in its place
        self._written: "list[int]" = []  # the Server instances that were written in this bootstrap

    def begin(self) -> None:
        """A bootstrap begins: what was written before and not finished is void."""
        self.staged = copy_accounts(self._model)
        security = bootstrap_security(self.staged)
        self._own = NO_INSTANCE if security is None else security.instance_id
        self._written = []

    def handle(self, request: Message) -> Message:
        """The response to a request; it never raises."""
        path: "tuple[int, ...]" = ()
        try:
            if self.staged is None:
                raise Rejected(METHOD_NOT_ALLOWED, "no bootstrap is under way")
            segments = request.all(URI_PATH)
            code = request.code
            if segments == FINISH:
                response = self._finish(request, self.staged)
            else:
                for value in segments if segments != [b""] else []:  # "/" is sent as no segment at all, or an empty one
                    id = segment(value)
                    if id is None or len(path) == 4:
                        raise Rejected(BAD_REQUEST, "not a path of ids")
                    path += (id,)
                if code == GET:
                    response = self._discover(path, request.uint(ACCEPT))
                elif code == PUT and request.option(URI_QUERY) is None:
                    response = self._write(path, request.uint(CONTENT_FORMAT), request.payload)
                elif code == DELETE:
                    response = self._delete(path)
                else:
                    raise Rejected(METHOD_NOT_ALLOWED)
            self._owner.operation()
            return response
        except Exception as error:
            return refusal(path, error, self._agent.handler_failed)

    def _entry(self, object_id: int) -> "ObjectEntry | None":
        model: "Any" = self.staged if object_id in ACCOUNT_OBJECTS else self._model
        return model.objects.get(object_id)

    def _object_ids(self) -> "list[int]":
        return sorted(set(self._model.objects).union(ACCOUNT_OBJECTS))

    # -- the operations

    def _discover(self, path: tuple, accept: "int | None") -> Message:
        """The objects and their instances, those of accounts with their short server id (5.2.7.3)."""
        if accept not in (None, LINK):
            raise Rejected(METHOD_NOT_ALLOWED, "nothing can be read in a bootstrap, only discovered")
        if len(path) > 1:
            raise Rejected(BAD_REQUEST, "an object is discovered, or all of them")
        links: "list[tuple]" = [("/", (("lwm2m", VERSION),))]
        for object_id in path or self._object_ids():
            entry = self._entry(object_id)
            if entry is None:
                raise Rejected(NOT_FOUND)
            version = entry.cls.version
            if version is not None or not entry.ids:
                links.append((render((object_id,)), (("ver", version),) if version else ()))
            for id in entry.ids:
                instance: "Any" = entry.instances[id]
                server = None
                if object_id == SERVER or (object_id == SECURITY and not instance.is_bootstrap):
                    server = instance.short_server_id
                links.append((render((object_id, id)), (("ssid", server),) if server and server < MAX_ID else ()))
        return Message(CONTENT, [(CONTENT_FORMAT, uint_bytes(LINK))], link.render(links))

    def _write(self, path: tuple, content_format: "int | None", payload: bytes) -> Message:
        if not path or len(path) > 3:
            raise Rejected(BAD_REQUEST, "what is written is an object, an instance or a resource")
        entry = self._entry(path[0])
        if entry is None:
            raise Rejected(BAD_REQUEST, "there is no object %d" % path[0])
        if len(path) > 2:
            row = entry.table.get(path[2])
            if row is None or row.executable:
                raise Rejected(BAD_REQUEST, "there is no resource %d to write" % path[2])
        values = operations.decode(entry, path, content_format, payload)
        if len(path) > 2 and not values:
            raise Rejected(BAD_REQUEST, "no value")
        if path[0] in ACCOUNT_OBJECTS:
            self._stage(entry, path, values)
        else:
            instances.provision(self._model, path, values, self._agent.model_changed)
        return Message(CHANGED)

    def _stage(self, entry: ObjectEntry, path: tuple, values: "list[tuple]") -> None:
        """Write instances of an account's object: all of them, or none. What servers may do does not count here."""
        made: "dict[int, Any]" = {}
        for id, rows in instances.by_instance(path, values):
            if id >= MAX_ID:
                raise Rejected(BAD_REQUEST, "instance %d is reserved" % id)
            instance = entry.cls()
            if len(path) > 2 and id in entry.instances:
                instance = copy_instance(entry.instances[id])
            instance.instance_id = id
            for row, value in operations.grouped(entry, rows, True):
                if row.executable:
                    continue
                if row.type in (STRING, OPAQUE) and len(value) > MAX_VALUE:
                    raise Rejected(REQUEST_ENTITY_TOO_LARGE, "%s takes %d bytes" % (row.name, MAX_VALUE))
                operations.check_size(row, value)
                instance.check(row, value)
                setattr(instance, row.name, value)
            made[id] = instance
        after: "dict[int, Any]" = dict(entry.instances)
        after.update(made)
        own = self._own
        if path[0] == SECURITY and own in made:
            if len(path) > 2:
                if not made[own].is_bootstrap:
                    own = NO_INSTANCE
            elif [id for id in after if after[id].is_bootstrap]:
                own = NO_INSTANCE
            else:
                moved = copy_instance(entry.instances[own])
                own = 0
                while own in after:
                    own += 1
                moved.instance_id = own
                after[own] = moved
        limit = MAX_INSTANCES[path[0]]
        if len(after) > limit:
            raise Rejected(BAD_REQUEST, "at most %d instances" % limit)
        entry.instances = after
        entry.ids = sorted(after)
        if path[0] == SERVER:
            self._written += made
        self._own = own

    def _delete(self, path: tuple) -> Message:
        if len(path) > 2:
            raise Rejected(BAD_REQUEST, "what is deleted is an instance, or all of them")
        if len(path) == 2:
            if not self._delete_instance(path):
                raise Rejected(BAD_REQUEST, "%s cannot be deleted" % render(path))
        else:
            for object_id in path or self._object_ids():
                entry = self._entry(object_id)
                if entry is not None:
                    for id in list(entry.ids):
                        self._delete_instance((object_id, id))
        return Message(DELETED)

    def _delete_instance(self, path: tuple) -> bool:
        """Delete an instance, where there is one; False where it must stay."""
        entry = self._entry(path[0])
        instance: "Any" = None if entry is None else entry.instances.get(path[1])
        if instance is None:
            return True
        if path[0] in ACCOUNT_OBJECTS:
            if path[0] == SECURITY and instance.is_bootstrap:
                return False
            assert self.staged is not None
            self.staged.remove(path)
            return True
        if not instance.creatable:
            return False
        self._model.remove(path)
        self._agent.model_changed(path)
        try:
            instance.deleted()
        except Exception as error:  # it is gone all the same, and so will the others be
            self._agent.handler_failed(render(path), error)
        return True

    def _finish(self, request: Message, staged: Model) -> Message:
        """4.06 where the accounts cannot work: the server may go on, and try again (5.2.6)."""
        if request.code != POST:
            raise Rejected(BAD_REQUEST if request.code == DELETE else METHOD_NOT_ALLOWED)
        if request.payload or request.option(URI_QUERY) is not None:
            raise Rejected(BAD_REQUEST, "Finish has no parameters")
        complete = copy_accounts(staged)  # where it is refused, what is staged is as the server wrote it
        for security in all_instances(complete, SECURITY):
            if security.is_bootstrap and security.instance_id != self._own:
                complete.remove((SECURITY, self._own))  # another one stands beside it
        orphans = unbootstrap(complete, self._model, self._written)
        try:
            check(complete)
        except ParameterError as error:
            self._owner.operation()
            self._owner.tell_failed("Bootstrap-Finish: %s" % error)
            raise Rejected(NOT_ACCEPTABLE, str(error)) from None
        self.staged = None
        self.finished = complete

        def answered() -> None:
            for path in orphans:
                self._delete_instance(path)
            self._owner.finished()

        response = Message(CHANGED)
        response.after = answered
        return response
