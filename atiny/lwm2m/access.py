"""Which server may do what (LwM2M 1.0, 7.3), by what the Access Control object instances say.

A single server may do everything. As soon as the model has two Server instances, each operation on an object instance,
or on what lies in it, needs its right: Read, Observe and Write-Attributes need READ, Write needs WRITE, and so on. The
server's own entry in the ACL counts; without one its owner has every right, any other server those of entry 0, and
where there is none, none. To Create, the server needs its own entry in the instance that is for the object (7.3.1.2.1).

Where 1.0 leaves it open, or differs from what is asked of this client:

- Discover needs no right in 1.0, and then tells what a server may not know. Here it shows the instances to which the
  server has any right; on an object it is always answered, on an instance without rights with 4.01.
- Read and Observe of an object give the instances with READ; where there are instances and none of them has it, 4.01.
- Object 2: every server may read it; an instance is written by its owner only, and one that is for an object by none,
  whatever its owner (7.3.1.2.1: bootstrap only). No server creates or deletes its instances.
- An instance of a target that another one has already is without effect: that with the lowest id counts.
"""

from ..coap.codes import DELETE as METHOD_DELETE, POST, PUT, UNAUTHORIZED
from ..errors import Rejected
from .model import Model
from .objects.access_control import (
    ALL,
    BOOTSTRAP_ONLY,
    CREATE,
    DEFAULT_ACL,
    DELETE,
    EXECUTE,
    NO_INSTANCE,
    READ,
    WRITE,
    AccessControl,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SECURITY = 0
SERVER = 1
ACCESS_CONTROL = AccessControl.object_id
_ON_INSTANCE = ALL & ~CREATE


class Access:
    """The rights of all servers to a model.

    Paths are tuples. ``short_server_id`` is that of the server that asks. ``bits`` are those of an ACL; where several
    are given, one of them is enough.
    """

    def __init__(self, model: Model):
        self._model = model
        self._generation: "int | None" = None  # of the model, when the rest was taken from it
        self._active = False
        self._controls: "dict[tuple, Any]" = {}  # by (target object, target instance)

    @property
    def active(self) -> bool:
        """Whether there are several servers; else each may do everything."""
        if self._generation != self._model.generation:
            self._refresh()
        return self._active

    def _refresh(self) -> None:
        """Object instances came or went: find out anew which of them say what."""
        objects = self._model.objects
        self._active = SERVER in objects and len(objects[SERVER].ids) > 1
        self._controls = {}
        if ACCESS_CONTROL in objects:
            entry = objects[ACCESS_CONTROL]
            for id in reversed(entry.ids):
                control: "Any" = entry.instances[id]
                self._controls[(control.target_object_id, control.target_instance_id)] = control
        self._generation = self._model.generation

    # -- the rules

    def allowed(self, short_server_id: "int | None", path: tuple, bits: int = READ) -> bool:
        """Whether the server has one of these rights to an object instance, or to what lies in it.

        To an object the only right is CREATE.
        """
        return not self.active or bool(self._rights(short_server_id, path) & bits)

    def _rights(self, short_server_id: "int | None", path: tuple) -> int:
        """The bits of the rights to a path (7.3.2.1), where there are several servers."""
        object_id = path[0]
        control: "Any" = None
        if object_id == ACCESS_CONTROL:  # of which every instance says itself who may write it
            if len(path) == 1:
                return 0
            entry = self._model.objects.get(ACCESS_CONTROL)
            if entry is not None:
                control = entry.instances.get(path[1])
            if control is None or control.owner != short_server_id or control.target_instance_id == NO_INSTANCE:
                return READ
            return READ | WRITE
        control = self._controls.get(path[:2] if len(path) > 1 else (object_id, NO_INSTANCE))
        if control is None or object_id == SECURITY:
            return 0
        bits = control.acl.get(short_server_id)
        if len(path) == 1:
            return (bits or 0) & CREATE
        if bits is None:
            bits = ALL if control.owner == short_server_id else control.acl.get(DEFAULT_ACL, 0)
        return bits & _ON_INSTANCE

    def instances(self, short_server_id: "int | None", path: tuple, bits: int = ALL) -> "list[int] | None":
        """Of the path of an object: the ids of its instances to which the server has one of these rights, or any.

        Of a longer path None, or `Rejected` 4.01 where it has none of them to that instance. What does not exist is
        left to the operation.
        """
        entry = self._model.objects.get(path[0])
        if entry is None or path[0] == SECURITY:
            return None
        if len(path) == 1:
            return [id for id in entry.ids if self.allowed(short_server_id, (path[0], id), bits)]
        if path[1] in entry.instances:
            self.check(short_server_id, path, bits)
        return None

    def readable(self, short_server_id: "int | None", path: tuple) -> "list[int] | None":
        """As `instances`, for READ; 4.01 also of an object that has instances, none of which the server may read."""
        found = self.instances(short_server_id, path, READ)
        if found is not None and not found and self._model.objects[path[0]].ids:
            self.check(short_server_id, path, READ)  # which nobody has to the object itself
        return found

    def check(self, short_server_id: "int | None", path: tuple, bits: int) -> None:
        """`Rejected` 4.01 where the server has none of these rights."""
        if not self.allowed(short_server_id, path, bits):
            raise Rejected(UNAUTHORIZED, "server %s has no right to it" % (short_server_id,))

    # -- what the dispatcher of a server asks

    def authorize(self, short_server_id: "int | None", code: int, path: tuple, attributes: bool) -> None:
        """4.01 where the server may not change what it asks to change (7.3.2); what there is not is left to 4.04.

        Reading is not checked here but in `readable`, by which notifications go too. ``attributes``: it writes those.
        """
        entry = self._model.objects.get(path[0]) if path else None
        if entry is None or (len(path) > 1 and path[1] not in entry.instances):
            return
        needed = WRITE
        if len(path) == 1:
            if code != POST:
                return  # attributes of an object need no right; Write and Delete have no object as their target
            needed = CREATE
        elif code == PUT:
            if attributes:
                needed = READ
        elif code == METHOD_DELETE:
            needed = DELETE
        elif len(path) == 3:
            row = entry.table.get(path[2])
            if row is None or not row.multiple:
                needed = EXECUTE
        self.check(short_server_id, path, needed)

    # -- the instances

    def complete(self, order: "list[int]") -> "list[tuple]":
        """Make the Access Control instances that are missing; returns their paths. Nothing for a single server.

        ``order``: the short server ids, the one first that owns what nobody else does. A Server instance belongs to
        its own server alone; every other instance to the first, with READ for all, and with what the ``rights`` of a
        Server instance say for its server. Where no instance at all was there before, neither from a bootstrap nor
        from a store, those servers may also Create that have ``rights`` with CREATE, and the first where it has none
        set: a bootstrap server that says nothing about Create means that nobody may (7.3.1.2.1).
        """
        if not self.active:
            return []
        objects = self._model.objects
        known = self._controls  # as they were
        first = order[0] if order else BOOTSTRAP_ONLY
        acl = {DEFAULT_ACL: READ}
        creators: "dict[int, int]" = {}
        servers: "dict[int, Any]" = objects[SERVER].instances
        for server in servers.values():
            if server.rights is not None:
                acl[server.short_server_id] = server.rights & _ON_INSTANCE
                if server.rights & CREATE:
                    creators[server.short_server_id] = CREATE
        if first not in acl and first != BOOTSTRAP_ONLY:
            creators[first] = CREATE
        made: "list[tuple]" = []
        for object_id in sorted(objects):
            if object_id in (SECURITY, ACCESS_CONTROL):
                continue
            entry = objects[object_id]
            for id in entry.ids:
                if (object_id, id) in known:
                    continue
                if object_id == SERVER:
                    made.append(self._add((object_id, id), {}, servers[id].short_server_id))
                else:
                    made.append(self._add((object_id, id), dict(acl), first))
            if entry.cls.creatable and creators and not known:
                made.append(self._add((object_id, NO_INSTANCE), dict(creators), BOOTSTRAP_ONLY))
        return made

    def _add(self, target: tuple, acl: "dict[int, int]", owner: int) -> tuple:
        """Add an instance for a target; returns its path."""
        control = AccessControl(target[0], target[1], acl, owner)
        self._model.add(control)
        return ACCESS_CONTROL, control.instance_id

    def created(self, path: tuple, short_server_id: "int | None") -> "list[tuple]":
        """A server created an object instance: it owns it, with every right (5.4.6); the others have none.

        Returns the paths of the Access Control instances that changed. A single server's instances have none, unless
        there are some already (7.3).
        """
        if not self.active and not self._controls or short_server_id is None:
            return []
        control = self._controls.get(path[:2])
        if control is None:
            return [self._add(path, {}, short_server_id)]
        # It is from before: of an instance that was to come, or that the host removed without a word.
        control.acl = {}
        control.owner = short_server_id
        return [(ACCESS_CONTROL, control.instance_id)]

    def deleted(self, path: tuple) -> "list[tuple]":
        """An object instance is gone, or an object with all of them: so are their Access Control instances.

        Returns their paths. The object itself goes with its last instance.
        """
        entry = self._model.objects.get(ACCESS_CONTROL)
        if entry is None:
            return []
        gone = []
        for id in list(entry.ids):
            control: "Any" = entry.instances[id]
            if (control.target_object_id, control.target_instance_id)[: len(path)] == path:
                gone.append((ACCESS_CONTROL, id))
                self._model.remove((ACCESS_CONTROL, id))
        if gone and not entry.ids:
            self._model.remove((ACCESS_CONTROL,))
        return gone
