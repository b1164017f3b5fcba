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

    words: "tuple[int | None, ...]" = ()

    def __init__(self, host: Host):
        self._host = host
        self._get = host.get
        # What the host is known not to support is not asked: with most devices that is most of the words.
        self._words = [None if word is None or host.supports(word) is False else word for word in self.words]
        # By resource id, what is read where the host has no answer: None, a value, or a function that gives either.
        self._defaults: "list[Any]" = [None] * len(self._words)

    @classmethod
    def supported(cls, host: Host) -> bool:
        """Whether the host supports any of the words. A plain function is asked each of them."""
        for word in cls.words:
            if word is None:
                continue
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
            value = self._defaults[id]
            if callable(value):
                value = value()
            if value is None:
                return None
        if resource.multiple and type(value) is not dict:
            return self._instances(resource, value)
        return value

    def read_all(self, resources: "Iterable[Resource]") -> "list[tuple[Resource, object]]":
        """One loop over all words, without a call for each row: a Read of /3/0 is what servers do most."""
        get = self._get
        words = self._words
        defaults = self._defaults
        found: "list[tuple[Resource, object]]" = []
        for resource in resources:
            id = resource.id
            word = words[id]
            value = None if word is None else get(word, None)
            if value is None:
                value = defaults[id]
                if value is None:
                    continue
                if callable(value):
                    value = value()
                    if value is None:
                        continue
            if resource.multiple and type(value) is not dict:
                value = self._instances(resource, value)
            found.append((resource, value))
        return found

    def _instances(self, resource: Resource, value: "Any") -> "dict[int, Any]":
        """The instances of a multiple resource, where the host gave a list, or a single value."""
        if type(value) is list or (type(value) is tuple and resource.type != OBJLNK):
            return dict(enumerate(value))
        return {0: value}
