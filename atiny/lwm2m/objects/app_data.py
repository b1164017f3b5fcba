"""App Data, object 19: the application's bytes (SDK). Reports go up from /19/0/0, commands come down to /19/1/0."""

from ...commands import ATINY_WRITE_APP_DATA
from ...params import MAX_REPORT_DATA_LEN
from ..host import Host
from ..model import Object, Resource
from ..types import OPAQUE

REPORT_PATH = (19, 0, 0)
COMMAND_PATH = (19, 1, 0)


class AppData(Object):
    """Instance 0 or 1 of object 19; a write to either is a command."""

    object_id = 19
    multiple = True
    resources = (Resource(0, "data", OPAQUE, "RW", mandatory=True, max_size=MAX_REPORT_DATA_LEN, raw=True),)

    def __init__(self, host: Host, instance_id: int):
        self._host = host
        self.instance_id = instance_id

    def read_data(self) -> bytes:
        """Reports are not kept: a plain Read gives one zero byte, as the SDK does."""
        return b"\x00"

    def write_data(self, value: bytes) -> None:
        """A command from the cloud."""
        self._host.do(ATINY_WRITE_APP_DATA, value)
