"""Constants over the whole build."""

import pytest

from atiny.slim.constants import fold_constants
from atiny.slim.fold import fold
from tests.slim.passing import MODULE, normal, passed

CODES = "GET = 1\nPUT = GET + 2\n_MASK = const(1 << 4)\nNONE = None\nYES = True\nNAME = 'a'\nSIZES = (1, 2)\n"
LOCAL = {"atiny.codes": CODES, "atiny.more": "from .codes import GET as GET\nLOW = -GET\nfrom . import codes\n"}

ROWS = [
    ("from .codes import GET, PUT\nx = GET | PUT", "from .codes import GET, PUT\nx = 3"),
    ("from .codes import GET as G\nx = f(G)", "from .codes import GET as G\nx = f(1)"),
    ("from . import codes\nx = f(codes.PUT)", "from . import codes\nx = f(3)"),
    ("from . import codes as c\nx = f(c.PUT, c.NAME)", "from . import codes as c\nx = f(3, c.NAME)"),
    ("from .more import GET\nx = f(GET)", "from .more import GET\nx = f(1)"),
    ("from .more import LOW\nx = f(LOW ** 2)", "from .more import LOW\nx = f(1)"),
    ("from .more import LOW\nx = f(LOW)", "from .more import LOW\nx = f(-1)"),
    ("def g():\n    from .codes import PUT\n    return f(PUT)",
     "def g():\n    from .codes import PUT\n    return f(3)"),
    ("from .codes import NAME, SIZES\nf(NAME, SIZES)", "from .codes import NAME, SIZES\nf(NAME, SIZES)"),
    ("A = 2\nB = A * 3\ndef g(x=B):\n    return f(A)", "A = 2\nB = 6\ndef g(x=6):\n    return f(2)"),
    ("A = 1\nA = 2\nf(A)", "A = 1\nA = 2\nf(A)"),
    ("A = 1\ndef g():\n    global A\n    A = 2\nf(A)", "A = 1\ndef g():\n    global A\n    A = 2\nf(A)"),
    ("A = 1\ndef g(A):\n    return A", "A = 1\ndef g(A):\n    return A"),
    ("A = 1\ndef g():\n    return [A for A in x] + [A]", "A = 1\ndef g():\n    return [A for A in x] + [1]"),
    ("if x:\n    A = 1\nf(A)", "if x:\n    A = 1\nf(A)"),
    ("try:\n    from t import A\nexcept ImportError:\n    A = 1\nf(A)",
     "try:\n    from t import A\nexcept ImportError:\n    A = 1\nf(A)"),
    ("DEBUG = False\nif DEBUG and x:\n    f()\ng()", "DEBUG = False\ng()"),
    ("class C:\n    A = 1\n    B = A + 1\nf(C.A, C.B)", "class C:\n    A = 1\n    B = 2\nf(1, 2)"),
    ("class C:\n    A = 1\n    def g(self):\n        return f(self.A)",
     "class C:\n    A = 1\n    def g(self):\n        return f(1)"),
    ("class C:\n    A = 1\n    def g(self):\n        return f(self.A)\nclass D(C):\n    A = 2",
     "class C:\n    A = 1\n    def g(self):\n        return f(self.A)\nclass D(C):\n    A = 2"),
    ("class C:\n    A = 1\n    def g(self):\n        self.A += 1\n        return f(self.A)",
     "class C:\n    A = 1\n    def g(self):\n        self.A += 1\n        return f(self.A)"),
    ("A = 0\nx = a if A else b\ny = not A", "A = 0\nx = b\ny = True"),
    ("_A = 1\nf(_A, A)", "_A = 1\nf(1, A)"),
]  # fmt: skip


def run(build) -> None:
    fold_constants(build)
    for module in build:
        fold(module)


@pytest.mark.parametrize(("before", "after"), ROWS, ids=range(len(ROWS)))
def test_constants(before: str, after: str) -> None:
    assert passed(run, {**LOCAL, MODULE: before})[MODULE] == normal(after)


def test_a_constant_of_a_class_elsewhere() -> None:
    sources = {"atiny.s": "class Status:\n    DONE = 4\n", MODULE: "from .s import Status\nf(Status.DONE)"}
    assert passed(run, sources)[MODULE] == normal("from .s import Status\nf(4)")


def test_what_is_public_is_bound_where_it_is_public() -> None:
    sources = {**LOCAL, "atiny": "from .codes import GET as GET, NAME as NAME\nfrom .more import LOW as LOW\n"}
    assert passed(run, sources)["atiny"] == normal("from .codes import NAME as NAME\nGET = 1\nLOW = -1")


def test_a_circle_of_imports_ends() -> None:
    sources = {"atiny.a": "from .b import X\ny = X", "atiny.b": "from .a import X\ny = X"}
    assert passed(run, sources)["atiny.a"] == normal(sources["atiny.a"])
