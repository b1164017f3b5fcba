"""App Data, object 19: the application's bytes (SDK). Reports go up from /19/0/0, commands come down to /19/1/0."""

from ...commands import ATINY_WRITE_APP_DATA
from ...params import MAX_REPORT_DATA_LEN
from ..host import Host
from ..model import Object, Resource
from ..types import INTEGER, OPAQUE, SINCE_1970, STRING, TIME

REPORT_PATH = (19, 0, 0)
COMMAND_PATH = (19, 1, 0)


class AppData(Object):
    """Instance 0 or 1 of object 19; a write to either's data is a command. What describes the data is kept, no more."""

    object_id = 19
    multiple = True
    resources = (
        # OMA has it multiple. The SDK, and clouds made for it, have it single.
        Resource(0, "data", OPAQUE, "RW", mandatory=True, max_size=MAX_REPORT_DATA_LEN, raw=True),
        # 0 immediate, 1 best effort, 2 latest, 101 to 254 proprietary
        Resource(1, "data_priority", INTEGER, "RW", range=(0, 254)),
        Resource(2, "data_creation_time", TIME, "RW", range=SINCE_1970),
        Resource(3, "data_description", STRING, "RW", max_size=32),
        Resource(4, "data_format", STRING, "RW", max_size=32),
        Resource(5, "app_id", INTEGER, "RW", range=(0, 0xFFFF)),
    )
    data_priority: "int | None" = None
    data_creation_time: "int | None" = None
    data_description: "str | None" = None
    data_format: "str | None" = None
    app_id: "int | None" = None

    def __init__(self, host: Host, instance_id: int):
        self._host = host
        self.instance_id = instance_id

    def read_data(self) -> bytes:
        """Reports are not kept: a plain Read gives one zero byte, as the SDK does."""
        return b"\x00"

    def write_data(self, value: bytes) -> None:
        """A command from the cloud."""
        self._host.do(ATINY_WRITE_APP_DATA, value)
