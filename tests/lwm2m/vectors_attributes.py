"""The queries of a Write-Attributes, good and bad. In the common dialect: tests/micropython/formats_check.py runs them
too.
"""

# (queries for a numeric resource, what is set then, in the order of Discover)
GOOD: list = [
    ((), []),
    (("pmin=0",), [("pmin", 0)]),
    (("pmin=10", "pmax=60"), [("pmin", 10), ("pmax", 60)]),
    (("pmax=60", "pmin=60"), [("pmin", 60), ("pmax", 60)]),
    (("pmin=5", "pmax=0"), [("pmin", 5), ("pmax", 0)]),  # 0: there is no maximum
    (("pmin=4294967295",), [("pmin", 4294967295)]),
    (("pmin=9223372036854775807",), [("pmin", 9223372036854775807)]),
    (("gt=25", "lt=5"), [("gt", 25), ("lt", 5)]),
    (("gt=5.5", "lt=5"), [("gt", 5.5), ("lt", 5)]),
    (("gt=25.5", "lt=-5.25", "st=0.5"), [("gt", 25.5), ("lt", -5.25), ("st", 0.5)]),
    (("st=0.5", "lt=-5.25", "gt=25.5"), [("gt", 25.5), ("lt", -5.25), ("st", 0.5)]),
    (("gt=-1", "lt=-10", "st=4"), [("gt", -1), ("lt", -10), ("st", 4)]),
    (("lt=10", "gt=20", "st=4.99"), [("gt", 20), ("lt", 10), ("st", 4.99)]),
    (("gt=007",), [("gt", 7)]),
    (("gt=-0.0",), [("gt", 0.0)]),
    (("gt=-0.00012345678901234567",), [("gt", -0.00012345678901234567)]),
    (("st=1000000000000000000",), [("st", 10**18)]),
    (("lt=-9223372036854775807",), [("lt", -9223372036854775807)]),
    (("gt=100000000000000000000",), [("gt", 1e20)]),  # beyond the integers of 64 bits: a float, as the resource is
    (("pmin",), []),
    (("pmin=",), []),
    (("gt", "lt=", "st"), []),
    (("pmin=10", "gt"), [("pmin", 10)]),
]

# Queries of which nothing is applied.
BAD: list = [
    # no whole number of seconds
    ("pmin=-1",), ("pmin=-0",), ("pmin=1.5",), ("pmax=1.0",), ("pmin=+1",), ("pmin= 1",), ("pmin=1 ",), ("pmin=1e3",),
    ("pmin=0x10",), ("pmin=1_000",), ("pmin=ten",), ("pmin==1",), ("pmin=\u00b2",), ("pmin=\u0663",), ("pmin=\x00",),
    ("pmin=1\n",), ('pmin="1"',), ("pmin=1,2",), ("pmin=1;pmax=2",), ("pmin=1&pmax=2",),
    ("pmin=9223372036854775808",), ("pmax=" + "9" * 32,), ("pmin=" + "9" * 5000,), ("pmin=" + "0" * 33,),
    # no decimal number
    ("gt=--1",), ("gt=-",), ("gt=.5",), ("gt=5.",), ("gt=.",), ("gt=1.5.1",), ("gt=nan",), ("gt=inf",), ("gt=-inf",),
    ("gt=1e5",), ("gt=1,5",), ("gt=-.5",), ("gt=1.-5",), ("gt=\u00b2",), ("gt=1.\u0663",), ("gt=\u22121",), ("gt=+1",),
    ("gt=1_0",), ("gt= 1",), ("gt=1" + "0" * 400,), ("gt=0." + "0" * 400,), ("lt=true",), ("st=x",),
    ("st=0",), ("st=-1",), ("st=0.0",),
    # no attribute that is written
    ("unknown=1",), ("unknown",), ("",), ("=1",), ("=",), ("PMIN=1",), ("pmin1",), ("pmin =1",), (" pmin=1",),
    ("dim=3",), ("ver=1.0",), ("ssid=1",), ("epmin=1",), ("con=1",), ("x" * 5000,),
    # one of them, or one twice
    ("pmin=1", "unknown=1"), ("pmin=1", ""), ("pmin=1", "pmax=x"), ("gt=31", "lt=19", "st=0"),
    ("pmin=1", "pmin=1"), ("pmin=1", "pmin=2"), ("pmin", "pmin=2"), ("pmin", "pmin"), ("gt=", "gt=1"),
    # not together
    ("pmin=61", "pmax=60"), ("pmax=1", "pmin=2"), ("pmax=2",), ("gt=5", "lt=5"), ("gt=5", "lt=6"),
    ("lt=10", "gt=20", "st=5"), ("lt=10", "gt=20", "st=5.5"), ("st=5",), ("gt=21",), ("lt=28",), ("lt=30",),
]  # fmt: skip

# What is set before the bad ones come.
BEFORE = ("pmin=3", "gt=30", "lt=20", "st=1")
