"""The numbers of CoAP: RFC 7252 section 12, RFC 7641, RFC 7959, RFC 8516; the protocol's constants of section 4.8."""

# Message types (RFC 7252 section 3).
CON = 0
NON = 1
ACK = 2
RST = 3

# Method codes (section 12.1.1).
EMPTY = 0
GET = 1
POST = 2
PUT = 3
DELETE = 4

# Response codes (section 12.1.2, RFC 7959 section 2.9).
CREATED = 0x41
DELETED = 0x42
VALID = 0x43
CHANGED = 0x44
CONTENT = 0x45
CONTINUE = 0x5F
BAD_REQUEST = 0x80
UNAUTHORIZED = 0x81
BAD_OPTION = 0x82
FORBIDDEN = 0x83
NOT_FOUND = 0x84
METHOD_NOT_ALLOWED = 0x85
NOT_ACCEPTABLE = 0x86
REQUEST_ENTITY_INCOMPLETE = 0x88
PRECONDITION_FAILED = 0x8C
REQUEST_ENTITY_TOO_LARGE = 0x8D
UNSUPPORTED_CONTENT_FORMAT = 0x8F
INTERNAL_SERVER_ERROR = 0xA0
NOT_IMPLEMENTED = 0xA1
SERVICE_UNAVAILABLE = 0xA3
PROXYING_NOT_SUPPORTED = 0xA5

# Option numbers (section 12.2). An odd one is critical: who does not know it may not pass over it (section 5.4.1).
IF_MATCH = 1
URI_HOST = 3
ETAG = 4
IF_NONE_MATCH = 5
OBSERVE = 6
URI_PORT = 7
LOCATION_PATH = 8
URI_PATH = 11
CONTENT_FORMAT = 12
MAX_AGE = 14
URI_QUERY = 15
ACCEPT = 17
LOCATION_QUERY = 20
BLOCK2 = 23
BLOCK1 = 27
SIZE2 = 28
PROXY_URI = 35
PROXY_SCHEME = 39
SIZE1 = 60

# How long a duplicate of a message may still arrive, and how long a peer may take to answer (section 4.8.2).
EXCHANGE_LIFETIME_MS = 247000
MAX_TRANSMIT_WAIT_MS = 93000


def dotted(code: int) -> str:
    """The way RFC 7252 writes a code: ``dotted(0x84) == "4.04"``."""
    return "%d.%02d" % (code >> 5, code & 31)
