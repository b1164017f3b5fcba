"""Text and link payloads, and what the tables have in common. All are in the common dialect: the tests read them on
CPython, tests/micropython/formats_check.py on MicroPython.
"""

from binascii import unhexlify

from atiny.lwm2m.types import BOOLEAN, FLOAT, INTEGER, OBJLNK, OPAQUE, STRING, TIME

# Object 3442 is only of these tests: one resource per type. Its resource 9 has no type, and 10 and above are unknown.
S, I, F, B, O, T, L = 0, 1, 2, 3, 4, 5, 6  # noqa: E741
TYPES = {
    (1, 0): INTEGER,
    (1, 1): INTEGER,
    (1, 6): BOOLEAN,
    (1, 7): STRING,
    (2, 0): INTEGER,
    (2, 1): INTEGER,
    (2, 2): INTEGER,
    (2, 3): INTEGER,
    (3, 0): STRING,
    (3, 1): STRING,
    (3, 2): STRING,
    (3, 3): STRING,
    (3, 6): INTEGER,
    (3, 7): INTEGER,
    (3, 8): INTEGER,
    (3, 9): INTEGER,
    (3, 10): INTEGER,
    (3, 11): INTEGER,
    (3, 13): TIME,
    (3, 14): STRING,
    (3, 16): STRING,
    (65, 0): OBJLNK,
    (65, 1): STRING,
    (65, 2): INTEGER,
    (66, 0): STRING,
    (66, 1): STRING,
    (66, 2): OBJLNK,
    (72, 2): FLOAT,
    (3442, S): STRING,
    (3442, I): INTEGER,
    (3442, F): FLOAT,
    (3442, B): BOOLEAN,
    (3442, O): OPAQUE,
    (3442, T): TIME,
    (3442, L): OBJLNK,
    (3442, 300): STRING,
    (3442, 9): 0,
}


def type_of(oid: int, rid: int) -> "int | None":
    return TYPES.get((oid, rid))


def octets(text: str) -> bytes:
    """Hexadecimal with white space; a line's part behind # is a comment."""
    return unhexlify("".join("".join(line.split("#")[0].split()) for line in text.split("\n")))


def typed(values: list) -> list:
    """(path, value) pairs as the entries that an encoder takes."""
    return [(path, type_of(path[0], path[2]) if len(path) > 2 else 0, value) for path, value in values]


# (resource of object 3442, value, text): both ways.
TEXT: list = [
    (S, "", b""),
    (S, "Open Mobile Alliance", b"Open Mobile Alliance"),
    (S, "\u20ac\u00e9\U0001f4a1", b"\xe2\x82\xac\xc3\xa9\xf0\x9f\x92\xa1"),
    (I, 0, b"0"),
    (I, -5, b"-5"),
    (I, 9223372036854775807, b"9223372036854775807"),
    (I, -9223372036854775808, b"-9223372036854775808"),
    (T, 1367491215, b"1367491215"),
    (F, 21.5, b"21.5"),
    (F, -0.125, b"-0.125"),
    (F, 3.0, b"3.0"),
    (F, 1e16, b"10000000000000000.0"),
    (F, -1.5e20, b"-150000000000000000000.0"),
    (F, 2.5e-10, b"0.00000000025"),
    (F, -1e-05, b"-0.00001"),
    (B, True, b"1"),
    (B, False, b"0"),
    (O, b"", b""),
    (O, b"\x01\x02\x03\x04\x05", b"AQIDBAU="),
    (O, b"\xff" * 60, b"/" * 80),
    (L, (3, 0), b"3:0"),
    (L, (65535, 65535), b"65535:65535"),
]

TEXT_DECODE: list = [
    (I, b"007", 7),
    (I, b"-0", 0),
    (I, b"-" + b"0" * 5000 + b"5", -5),  # more digits than CPython's int() would take
    (I, b"0" * 40 + b"9223372036854775807", 9223372036854775807),
    (F, b"21", 21.0),
    (F, b".5", 0.5),
    (F, b"-5.", -5.0),
    (F, b"1.5E3", 1500.0),
    (F, b"25e-2", 0.25),
    (F, b"1e+2", 100.0),
    (F, b"1e-999", 0.0),
    (F, b"1e-" + b"9" * 400, 0.0),
    (L, b"00003:0", (3, 0)),
    (9, b"\xff", b"\xff"),  # no type
    (10, b"\xff", b"\xff"),  # unknown
]

TEXT_BAD: list = [
    (S, b"\xff"),
    (S, b"\xc0\x80"),
    (S, b"\xed\xa0\x80"),
    (S, b"\xf5\x80\x80\x80"),
    (S, b"abc\xe2\x82"),
    (I, b""),
    (I, b"-"),
    (I, b"+5"),
    (I, b"--5"),
    (I, b" 5"),
    (I, b"5 "),
    (I, b"5\n"),
    (I, b"1_000"),
    (I, b"0x10"),
    (I, b"1.0"),
    (I, b"1e3"),
    (I, b"\xd9\xa3"),
    (I, b"5\x00"),
    (I, b"9223372036854775808"),
    (I, b"-9223372036854775809"),
    (I, b"9" * 5000),
    (T, b"2013-05-02"),
    (F, b""),
    (F, b"."),
    (F, b"-"),
    (F, b"-."),
    (F, b"e5"),
    (F, b".e5"),
    (F, b"1e"),
    (F, b"1e+"),
    (F, b"1e5e5"),
    (F, b"1e5.5"),
    (F, b"+1"),
    (F, b"1.2.3"),
    (F, b"1,5"),
    (F, b" 1"),
    (F, b"1\n"),
    (F, b"1_0"),
    (F, b"0x1p3"),
    (F, b"nan"),
    (F, b"inf"),
    (F, b"-infinity"),
    (F, b"1e999"),
    (F, b"1e" + b"9" * 400),
    (F, b"-" + b"9" * 400),
    (F, b"\xd9\xa3"),
    (B, b""),
    (B, b"2"),
    (B, b"01"),
    (B, b"true"),
    (O, b"AQIDBAU"),  # without its padding
    (O, b"AQIDBAU=="),
    (O, b"AQIDBAV="),  # bits set where the padding is
    (O, b"AQID BAU="),
    (O, b"AQIDBAU=\n"),
    (O, b"AQID=BAU"),
    (O, b"!,-INVALID$_'"),
    (O, b"A"),
    (O, b"="),
    (L, b""),
    (L, b":"),
    (L, b"3"),
    (L, b"3:"),
    (L, b"3:0:0"),
    (L, b"65536:0"),
    (L, b"3:-1"),
    (L, b"3:000000"),
    (L, b" 3:0"),
]

# (links, text): both ways, where parse gives every value as str.
LINK: list = [
    ([], b""),
    ([("/1/0", ())], b"</1/0>"),
    (
        [("/", (("rt", "oma.lwm2m"), ("ct", 11542))), ("/1/0", ()), ("/3/0", ()), ("/19/0", ()), ("/19/1", ())],
        b'</>;rt="oma.lwm2m";ct=11542,</1/0>,</3/0>,</19/0>,</19/1>',
    ),
    (
        [("/3", (("ver", "1.1"),)), ("/3/0", (("pmin", 10), ("pmax", 60))), ("/3/0/6", (("dim", 8), ("gt", 42.5)))],
        b'</3>;ver="1.1",</3/0>;pmin=10;pmax=60,</3/0/6>;dim=8;gt=42.5',
    ),
    ([("/3/0/9", (("obs", None), ("lt", -5), ("title", "a,b;c=<d>")))], b'</3/0/9>;obs;lt=-5;title="a,b;c=<d>"'),
    ([("/x", (("title", 'say "\u00e9" \\o/'),))], b'</x>;title="say \\"\xc3\xa9\\" \\\\o/"'),
    ([("/x", (("title", ""),))], b'</x>;title=""'),
    ([("/x", (("gt", 1e20), ("lt", -1e-05)))], b"</x>;gt=100000000000000000000.0;lt=-0.00001"),
]

LINK_PARSE: list = [
    (b'</>;ct="0 40"', [("/", {"ct": "0 40"})]),
    (b"</3>;ver=1.1", [("/3", {"ver": "1.1"})]),
    (b"<coap://[::1]:5683/rd?a=b>;if=x/y", [("coap://[::1]:5683/rd?a=b", {"if": "x/y"})]),
    (b"<>", [("", {})]),
    (b"</1>,</1>", [("/1", {}), ("/1", {})]),
    (b"</x>;title*=utf-8'en'x", [("/x", {"title*": "utf-8'en'x"})]),
]

LINK_BAD: list = [
    b"/1/0",
    b"<",
    b"</1/0",
    b"</1/0>,",
    b",</1/0>",
    b"</1/0>,,</3/0>",
    b"</1/0></3/0>",
    b"</1/0> ,</3/0>",
    b"</1/0>, </3/0>",
    b"</1 0>",
    b"</1<0>",
    b'</1">',
    b"</\xc3\xa9>",
    b"</\x00>",
    b"</1/0>;",
    b"</1/0>;=5",
    b"</1/0>;;ct=40",
    b"</1/0>;ct=",
    b"</1/0>;ct=,",
    b"</1/0>;ct=40;ct=41",
    b"</1/0>;ct =40",
    b'</1/0>;rt="',
    b'</1/0>;rt="abc',
    b'</1/0>;rt="abc\\',
    b'</1/0>;rt="abc\\"',
    b'</1/0>;rt="abc"d',
    b'</1/0>;rt="a\nb"',
    b'</1/0>;rt="a\\\nb"',
    b'</1/0>;rt="\xff"',
    b'</1/0>;rt=a"b"',
    b"</1/0>;rt=\xc3\xa9",
    b"</1/0>;\xc3\xa9",
    b"</1/0>\x00",
]
