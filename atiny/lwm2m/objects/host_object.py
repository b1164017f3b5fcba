"""What the objects have in common whose values are the answers of the host to command words."""

from ..host import Host
from ..model import Object, Resource
from ..types import OBJLNK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


class HostObject(Object):
    """An object instance that reads by asking the host; what is answered with None does not exist.

    ``words``: by resource id, the command word that reads it, or None. The rows have the ids from 0 on.
    """

    words: "list[int | None]" = []  # no tuple: as constants of one, numbers take thrice the place on a board

    def __init__(self, host: Host):
        self._host = host
        self._get = host.get
        # What the host is known not to support is not asked: with most devices that is most of the words.
        self._words = [None if word is None or host.supports(word) is False else word for word in self.words]
        # By resource id, what is read where the host has no answer: None, a value, or a function that gives either.
        self.defaults: "list[Any]" = [None] * len(self._words)
        self._asked: "Any" = None  # the rows of the last `read_all`, which are nearly always the same
        self._rows: "list[Resource]" = []  # those of them that may exist

    @classmethod
    def supported(cls, host: Host) -> bool:
        """Whether the host supports any of the words. A plain function is asked each of them."""
        word: "Any"
        for word in cls.words:
            known = host.supports(word)
            if known is None:
                try:
                    known = host.get(word, None) is not None
                except Exception:
                    known = False  # it does not know the word; if it does, its object has more to say than this one
            if known:
                return True
        return False

    def read(self, resource: Resource) -> object:
        """The host's value; where it has none, the default."""
        id = resource.id
        word = self._words[id]
        value = None if word is None else self._get(word, None)
        if value is None:
            value = self.defaults[id]
            if callable(value):
                value = value()
            if value is None:
                return None
        if resource.multiple and type(value) is not dict:
            return self._instances(resource, value)
        return value

    def read_all(self, resources: "Iterable[Resource]") -> "list[tuple[Resource, object]]":
        """A Read of /3/0 is what servers do most: what cannot exist is not looked at each time."""
        if resources is not self._asked:
            self._asked = resources
            self._rows = [
                row for row in resources if self._words[row.id] is not None or self.defaults[row.id] is not None
            ]
        return Object.read_all(self, self._rows)

    def _instances(self, resource: Resource, value: "Any") -> "dict[int, Any]":
        """The instances of a multiple resource, where the host gave a list, or a single value."""
        if type(value) is list or (type(value) is tuple and resource.type != OBJLNK):
            return dict(enumerate(value))
        return {0: value}
