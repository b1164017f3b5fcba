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
    NOT_FOUND,
    POST,
    PUT,
    REQUEST_ENTITY_TOO_LARGE,
    URI_PATH,
    URI_QUERY,
)
from ..coap.message import Message, uint_bytes
from ..errors import Rejected
from . import operations
from .accounts import OBJECTS, SECURITY, SERVER, bootstrap_security, check, copy_accounts, copy_instance, unbootstrap
from .formats import LINK, link
from .host import refusal
from .model import Model, ObjectEntry
from .path import MAX_ID, render, segment
from .registration import VERSION
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

    ``failed(path, error)``, with the str of the path: a handler of the host raised. ``on_operation()``: the server did
    something, and goes on. ``on_finish()``: it is done, and has its answer; ``staged`` is then what it wrote.
    ``changed(path)``: it wrote, made or deleted something in another object than those of the accounts.
    ``on_refused(reason)``: its Finish was answered with 4.06, and it may correct what it wrote.
    """

    def __init__(self, model: Model, failed, on_operation, on_finish, changed=None, on_refused=None):
        self.staged: "Model | None" = None
        self._model = model
        self._failed = failed
        self._on_operation = on_operation
        self._on_finish = on_finish
        self._changed = changed if changed is not None else _nobody
        self._on_refused = on_refused if on_refused is not None else _nobody
        self._own: "int | None" = None  # the instance of the bootstrap server's account as it was before
        self._untouched: "list[int]" = []  # the Server instances that were not written in this bootstrap
        self._finished = False

    def begin(self) -> None:
        """A bootstrap begins: what was written before and not finished is void."""
        self.staged = copy_accounts(self._model)
        security = bootstrap_security(self.staged)
        self._own = None if security is None else security.instance_id
        self._untouched = list(self.staged.objects[SERVER].ids)
        self._finished = False

    def drop(self) -> None:
        """What was written is void, or has been taken; no request is answered until the next `begin`."""
        self.staged = None

    def handle(self, request: Message) -> Message:
        """The response to a request; it never raises."""
        path: "tuple[int, ...]" = ()
        try:
            # What was found consistent is not changed any more, while the answer that says so is on its way.
            if self.staged is None or self._finished:
                raise Rejected(METHOD_NOT_ALLOWED, "no bootstrap is under way")
            segments = request.all(URI_PATH)
            code = request.code
            if segments == FINISH:
                response = self._finish(request)
            else:
                path = _path(segments)
                if code == GET:
                    response = self._discover(path, request.uint(ACCEPT))
                elif code == PUT and request.option(URI_QUERY) is None:
                    response = self._write(path, request.uint(CONTENT_FORMAT), request.payload)
                elif code == DELETE:
                    response = self._delete(self.staged, path)
                else:
                    raise Rejected(METHOD_NOT_ALLOWED)
            self._on_operation()
            return response
        except Exception as error:
            return refusal(path, error, self._failed)

    def _entry(self, object_id: int) -> "ObjectEntry | None":
        model = self.staged if self.staged is not None and object_id in OBJECTS else self._model
        return model.objects.get(object_id)

    def _object_ids(self) -> "list[int]":
        return sorted([id for id in self._model.objects if id not in OBJECTS] + list(OBJECTS))

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
                links.append((render((object_id, id)), _short_server_id(object_id, entry.instances[id])))
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
        if path[0] in OBJECTS:
            self._stage(entry, path, values)
        else:
            operations.provision(self._model, path, values, self._changed)
        return Message(CHANGED)

    def _stage(self, entry: ObjectEntry, path: tuple, values: "list[tuple]") -> None:
        """Write instances of an account's object: all of them, or none. What servers may do does not count here."""
        made: "dict[int, Any]" = {}
        for id, rows in operations.by_instance(path, values):
            if id >= MAX_ID:
                raise Rejected(BAD_REQUEST, "instance %d is reserved" % id)
            present = entry.instances.get(id)
            instance = entry.cls() if present is None or len(path) < 3 else copy_instance(present)
            instance.instance_id = id
            changes = [change for change in operations.grouped(entry, rows, True) if not change[0].executable]
            if not changes and len(path) > 2:
                raise Rejected(BAD_REQUEST, "no value")
            for row, value in changes:
                if row.type in (STRING, OPAQUE) and len(value) > MAX_VALUE:
                    raise Rejected(REQUEST_ENTITY_TOO_LARGE, "%s takes %d bytes" % (row.name, MAX_VALUE))
                operations.check_size(row, value)
                instance.check(row, value)
            for row, value in changes:
                setattr(instance, row.name, value)
            made[id] = instance
        own = self._own
        if path[0] == SECURITY and own in made:
            own = self._keep_own(entry, made, len(path) < 3)
        new = [id for id in made if id not in entry.instances]
        if len(entry.instances) + len(new) > MAX_INSTANCES[path[0]]:
            raise Rejected(BAD_REQUEST, "at most %d instances" % MAX_INSTANCES[path[0]])
        entry.instances.update(made)
        entry.ids = sorted(entry.instances)
        if path[0] == SERVER:
            self._untouched = [id for id in self._untouched if id not in made]
        self._own = own

    def _keep_own(self, entry: "Any", made: "dict[int, Any]", replaced: bool) -> "int | None":
        """Where the bootstrap server's account is then, over which something is written; None: it is replaced.

        ``replaced``: all of it is written, not one resource.
        """
        own: "Any" = self._own
        if made[own].is_bootstrap and not replaced:
            return self._own
        for id in entry.instances:
            if id != own and entry.instances[id].is_bootstrap:
                return None
        if [id for id in made if made[id].is_bootstrap] or not replaced:
            return None
        free = 0
        while free in entry.instances or free in made:
            free += 1
        made[free] = copy_instance(entry.instances[own])
        made[free].instance_id = free
        return free

    def _delete(self, staged: Model, path: tuple) -> Message:
        if len(path) > 2:
            raise Rejected(BAD_REQUEST, "what is deleted is an instance, or all of them")
        if len(path) == 2:
            entry = self._entry(path[0])
            if entry is not None and path[1] in entry.instances:
                if not self._delete_instance(staged, entry, path[1]):
                    raise Rejected(BAD_REQUEST, "%s cannot be deleted" % render(path))
            return Message(DELETED)
        for object_id in path or self._object_ids():
            entry = self._entry(object_id)
            for id in [] if entry is None else list(entry.ids):
                self._delete_instance(staged, entry, id)
        return Message(DELETED)

    def _delete_instance(self, staged: Model, entry: "Any", id: int) -> bool:
        """Delete an instance; False where it must stay."""
        object_id = entry.cls.object_id
        instance = entry.instances[id]
        path = (object_id, id)
        if object_id in OBJECTS:
            if object_id == SECURITY and instance.is_bootstrap:
                return False
            staged.remove(path)
            return True
        if not entry.cls.creatable:
            return False
        self._model.remove(path)
        self._changed(path)
        try:
            instance.deleted()
        except Exception as error:  # it is gone all the same, and so will the others be
            self._failed(render(path), error)
        return True

    def _finish(self, request: Message) -> Message:
        """4.06 where the accounts cannot work: the server may go on, and try again (5.2.6)."""
        if request.code != POST:
            raise Rejected(BAD_REQUEST if request.code == DELETE else METHOD_NOT_ALLOWED)
        if request.payload or request.option(URI_QUERY) is not None:
            raise Rejected(BAD_REQUEST, "Finish has no parameters")
        staged: "Any" = self.staged
        complete = copy_accounts(staged)  # where it is refused, what is staged is as the server wrote it
        if self._replaced(staged):
            complete.remove((SECURITY, self._own))
        orphans = unbootstrap(complete, self._model, self._untouched)
        try:
            check(complete)
        except Rejected as error:
            self._on_operation()
            self._on_refused(error.diagnostic)
            raise
        self.staged = complete
        self._finished = True
        response = Message(CHANGED)
        response.after = lambda: self._answered(complete, orphans)
        return response

    def _answered(self, staged: Model, orphans: "list[tuple]") -> None:
        """The server has its answer to Finish."""
        for path in orphans:
            if self._model.has(path):
                self._delete_instance(staged, self._model.objects[path[0]], path[1])
        self._on_finish()

    def _replaced(self, staged: Model) -> bool:
        """Whether a new account of the bootstrap server was written beside the one that stood before."""
        securities: "dict[int, Any]" = staged.objects[SECURITY].instances
        for id in securities:
            if self._own is not None and id != self._own and securities[id].is_bootstrap:
                return True
        return False


def _nobody(what: object) -> None:
    pass


def _path(segments: "list[bytes]") -> "tuple[int, ...]":
    """The ids of a path; "/" is sent as no segment at all, or as an empty one."""
    ids: "tuple[int, ...]" = ()
    for value in segments if segments != [b""] else []:
        id = segment(value)
        if id is None or len(ids) == 4:
            raise Rejected(BAD_REQUEST, "not a path of ids")
        ids += (id,)
    return ids


def _short_server_id(object_id: int, instance: "Any") -> "tuple":
    """The link attributes of an instance."""
    if object_id == SERVER or (object_id == SECURITY and not instance.is_bootstrap):
        id = instance.short_server_id
        if type(id) is int and 1 <= id < MAX_ID:
            return (("ssid", id),)
    return ()
