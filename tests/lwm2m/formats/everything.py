"""Object 3442 of the vectors, on a device: one resource of each type, and one of each that is multiple."""

from atiny import BOOLEAN, FLOAT, INTEGER, OBJLNK, OPAQUE, STRING, TIME, Object, Resource


class Everything(Object):
    object_id = 3442
    multiple = creatable = True
    resources = (
        Resource(0, "string", STRING, "RW"),
        Resource(1, "integer", INTEGER, "RW"),
        Resource(2, "number", FLOAT, "RW"),
        Resource(3, "boolean", BOOLEAN, "RW"),
        Resource(4, "opaque", OPAQUE, "RW"),
        Resource(5, "time", TIME, "RW"),
        Resource(6, "link", OBJLNK, "RW"),
        Resource(20, "strings", STRING, "RW", multiple=True),
        Resource(21, "integers", INTEGER, "RW", multiple=True),
        Resource(22, "numbers", FLOAT, "RW", multiple=True),
        Resource(23, "booleans", BOOLEAN, "RW", multiple=True),
        Resource(24, "opaques", OPAQUE, "RW", multiple=True),
        Resource(25, "times", TIME, "RW", multiple=True),
        Resource(26, "links", OBJLNK, "RW", multiple=True),
    )

    def __init__(self) -> None:
        self.string, self.integer, self.number, self.boolean = "text", -(2**63), 2.5, True
        self.opaque, self.time, self.link = b"\x00\xff", 2**63 - 1, (3, 0)
        self.strings = {0: "", 65535: "\u20ac"}
        self.integers = {0: 1, 300: -2}
        self.numbers: "dict[int, float]" = {}
        self.booleans = {7: False}
        self.opaques = {1: b"\x01\x02\x03"}
        self.times = {0: 0}
        self.links = {0: (65535, 65535)}

    def state(self) -> dict:
        """What a server could have changed."""
        return {row.name: getattr(self, row.name) for row in self.resources}


def known(object_id: int, resource_id: int) -> "int | None":
    """The type of a resource of `Everything`."""
    kinds = {row.id: row.type for row in Everything.resources}
    return kinds.get(resource_id) if object_id == Everything.object_id else None
