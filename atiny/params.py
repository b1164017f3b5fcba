"""The SDK's enumerations (guide, "Data Structure"); its structures are in `open_params`.

Values are the SDK's; names are the SDK's too, spelt correctly, with a misspelt one kept as an alias.
"""

# atiny_event_e; those from ATINY_HANDLER_ERROR on are ours.
ATINY_REG_OK = 0
ATINY_REG_FAIL = 1
ATINY_DATA_SUBSCRIBE = 2
ATINY_DATA_UNSUBSCRIBE = 3
ATINY_FOTA_STATE = 4
# arg: (path, exception): a handler of the host raised, and the server was told 5.00. Or (path, MemoryError), the path
# also None, "a datagram", "a request" or "the loop": there was no memory for it. It was dropped; the device goes on.
ATINY_HANDLER_ERROR = 5
ATINY_NOTIFY_DONE = 6  # arg: (path, short server id, ReportStatus); what became of a notification
ATINY_BOOTSTRAP_OK = 7  # the bootstrap server wrote new accounts, with which the device registers now
ATINY_BOOTSTRAP_FAIL = 8  # arg: the reason; it will be tried again, or corrected
EVENT_NAMES = (
    "registered",
    "not registered",
    "subscribed",
    "unsubscribed",
    "firmware",
    "handler error",
    "notification",
    "bootstrapped",
    "not bootstrapped",
)
ATINY_DATA_SUBSCRIBLE = ATINY_DATA_SUBSCRIBE
ATINY_DATA_UNSUBSCRIBLE = ATINY_DATA_UNSUBSCRIBE

# atiny_bootstrap_type_e
BOOTSTRAP_FACTORY = 0
BOOTSTRAP_CLIENT_INITIATED = 1
BOOTSTRAP_SEQUENCE = 2

# atiny_report_type_e
FIRMWARE_UPDATE_STATE = 0
APP_DATA = 1

MAX_REPORT_DATA_LEN = 1024


class ReportStatus:
    """What became of a report (data_send_status_e). Final: all but SENT_WAIT_RESPONSE and SEND_PENDING."""

    NOT_SENT = 0
    SENT_WAIT_RESPONSE = 1
    SENT_FAIL = 2
    SENT_TIME_OUT = 3
    SENT_SUCCESS = 4
    SENT_GET_RST = 5
    SEND_PENDING = 6

    # A list: a constant tuple would hold each word a second time in a build.
    NAMES = [
        "NOT_SENT",
        "SENT_WAIT_RESPONSE",
        "SENT_FAIL",
        "SENT_TIME_OUT",
        "SENT_SUCCESS",
        "SENT_GET_RST",
        "SEND_PENDING",
    ]

    @staticmethod
    def name(status: int) -> str:
        """The word for a status: ``ReportStatus.name(4) == "SENT_SUCCESS"``."""
        return ReportStatus.NAMES[status]
