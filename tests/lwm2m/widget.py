"""An object with a resource of every type and of every kind of access, for the tests of the operations."""

from atiny import BOOLEAN, FLOAT, INTEGER, NONE, OBJLNK, OPAQUE, STRING, TIME, Object, Rejected, Resource

BAD_REQUEST = 0x80
FORBIDDEN = 0x83

WIDGET = 31024


class Widget(Object):
    """Instance attributes hold what is stored; ``log`` what was called."""

    object_id = WIDGET
    version = "1.1"
    multiple = True
    creatable = True
    resources = (
        Resource(0, "name", STRING, "RW", mandatory=True, max_size=8),
        Resource(1, "level", INTEGER, "RW"),
        Resource(2, "weight", FLOAT, "RW"),
        Resource(3, "open", BOOLEAN, "RW"),
        Resource(4, "tag", OPAQUE, "RW", max_size=16),
        Resource(5, "since", TIME, "RW"),
        Resource(6, "target", OBJLNK, "RW"),
        Resource(7, "parts", INTEGER, "RW", multiple=True),
        Resource(8, "serial", STRING, "R"),
        Resource(9, "secret", STRING, "W"),
        Resource(10, "press", NONE, "E"),
        Resource(11, "hidden", STRING, ""),
        Resource(12, "bounded", INTEGER, "RW"),
        Resource(13, "fragile", INTEGER, "RW"),
        Resource(300, "far", STRING, "RW"),
    )

    def __init__(self) -> None:
        self.log: "list[tuple]" = []
        self.name = "one"
        self.level = 5
        self.weight = 1.5
        self.open = True
        self.tag = b"\x00\xff"
        self.since = 1367491215
        self.target = (3, 0)
        self.parts = {0: 10, 2: -1}
        self.serial = "S/1"
        self.hidden = "nobody knows"
        self.broken = False
        self.after: "object" = None

    def check_bounded(self, value: int) -> None:
        if not 0 <= value <= 100:
            raise Rejected(BAD_REQUEST, "0 to 100")

    def write_fragile(self, value: int) -> None:
        self.log.append(("fragile", value))
        if value < 0:
            raise Rejected(FORBIDDEN, "not below zero")
        if value == 0:
            raise ValueError("a bug of the host")

    def read_fragile(self) -> "int | None":
        if self.broken:
            raise RuntimeError("the bus is stuck")
        return None

    def execute_press(self, arguments: str) -> object:
        self.log.append(("press", arguments))
        if arguments == "raise":
            raise OSError(5, "the button is stuck")
        if arguments == "refuse":
            raise Rejected(FORBIDDEN, "locked")
        return self.after

    def deleted(self) -> None:
        self.log.append(("deleted",))
        if self.broken:
            raise RuntimeError("the bus is stuck")

    def state(self) -> dict:
        """What a server could have changed."""
        rows = [row for row in self.resources if row.name not in ("press", "fragile")]
        return {row.name: getattr(self, row.name, None) for row in rows}
