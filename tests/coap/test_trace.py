"""A message as a line of the log."""

import pytest

from atiny.coap.trace import describe


@pytest.mark.parametrize(
    ("datagram", "line"),
    [
        # 44: version 1, CON, token of 4; 01: GET; b1 33, 01 30, 01 30: Uri-Path 3, 0, 0
        ("44011234616263 64b133 0130 0130", "CON GET mid=4660 token=61626364 /3/0/0 14 B"),
        # 68: ACK, token of 8; 45: 2.05; c0: Content-Format 0; ff: payload "on", which is not shown
        ("684512341122334455667788c0ff6f6e", "ACK 2.05 mid=4660 token=1122334455667788 - 16 B"),
        # 61: ACK; 41: 2.01; 82 7264, 01 37: Location-Path rd, 7
        ("6141000155 827264 0137", "ACK 2.01 mid=1 token=55 /rd/7 10 B"),
        ("60001234", "ACK empty mid=4660 token=- - 4 B"),
        ("7000ffff", "RST empty mid=65535 token=- - 4 B"),
        ("5084 0002", "NON 4.04 mid=2 token=- - 4 B"),
        # b2 0a e4: a path of a line feed and a byte above ASCII stays on its line
        ("40010003 b20ae4", "CON GET mid=3 token=- /?? 7 B"),
        ("400100", "malformed (no header, or one of another version of CoAP) 3 B"),
    ],
)
def test_lines(datagram, line):
    assert describe(bytes.fromhex(datagram)) == line
