"""Which options are recognised, in which form (RFC 7252 sections 5.4 and 5.10, RFC 7641, RFC 7959).

An option that stands more often than it may, or whose value has not the length that it may have, counts as one that
is not recognised (sections 5.4.3, 5.4.5): a critical one, which has an odd number, makes the message be refused; an
elective one is taken out.
"""

from . import codes
from .message import Message

# Number: (shortest, longest value in bytes, whether it may be repeated).
REQUEST = {
    codes.URI_HOST: (1, 255, False),
    codes.ETAG: (1, 8, True),
    codes.OBSERVE: (0, 3, False),
    codes.URI_PORT: (0, 2, False),
    codes.URI_PATH: (0, 255, True),
    codes.CONTENT_FORMAT: (0, 2, False),
    codes.URI_QUERY: (0, 255, True),
    codes.ACCEPT: (0, 2, False),
    codes.BLOCK2: (0, 3, False),
    codes.BLOCK1: (0, 3, False),
    codes.SIZE2: (0, 4, False),
    codes.SIZE1: (0, 4, False),
}

RESPONSE = {
    codes.ETAG: (1, 8, False),
    codes.OBSERVE: (0, 3, False),
    codes.LOCATION_PATH: (0, 255, True),
    codes.CONTENT_FORMAT: (0, 2, False),
    codes.MAX_AGE: (0, 4, False),
    codes.LOCATION_QUERY: (0, 255, True),
    codes.BLOCK2: (0, 3, False),
    codes.BLOCK1: (0, 3, False),
    codes.SIZE2: (0, 4, False),
    codes.SIZE1: (0, 4, False),
}


def screen(message: Message, table: "dict[int, tuple[int, int, bool]]") -> int:
    """The number of the first critical option that is not recognised, or 0: the message may be processed.

    Elective options of a wrong form are taken out of the message; unknown elective ones stay, nobody reads them.
    """
    last = -1
    spoilt = False
    for number, value in message.options:
        row = table.get(number)
        if row is None:
            if number & 1:
                return number
        elif (number == last and not row[2]) or not row[0] <= len(value) <= row[1]:
            if number & 1:
                return number
            spoilt = True
        last = number
    if spoilt:
        message.options = _recognised(message.options, table)
    return 0


def _recognised(options: "list[tuple[int, bytes]]", table) -> "list[tuple[int, bytes]]":
    """The options without those of a wrong form. Of one that is repeated and may not be, the first stays."""
    kept: "list[tuple[int, bytes]]" = []
    last = -1
    for number, value in options:
        row = table.get(number)
        if row is None or ((number != last or row[2]) and row[0] <= len(value) <= row[1]):
            kept.append((number, value))
        last = number
    return kept
