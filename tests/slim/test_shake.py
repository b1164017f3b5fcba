"""What nothing names goes, to a fixpoint."""

import pytest

from atiny.slim.shake import shake
from tests.slim.passing import MODULE, normal, passed

USE = "\nstart()"
ROWS = [
    ("def a(): b()\ndef b(): pass\ndef c(): c()\na()", "def a(): b()\ndef b(): pass\na()"),
    ("def a(): pass\ndef b(): a()\ndef c(): b()\nx = 1", ""),
    ("class A:\n    def used(self): pass\n    def not_used(self): self.deep()\n    def deep(self): pass\nA().used()",
     "class A:\n    def used(self): pass\nA().used()"),
    ("class A:\n    limit = 1\n    other = 2\nf(A.other)", "class A:\n    other = 2\nf(A.other)"),
    ("class A:\n    @property\n    def x(self): return 1\nf(A)", "class A:\n    pass\nf(A)"),
    ("class A:\n    @property\n    def x(self): return self._x\n    @x.setter\n    def x(self, v): self._x = v\n"
     "A().x = 1",
     "class A:\n    @property\n    def x(self): return self._x\n    @x.setter\n    def x(self, v): self._x = v\n"
     "A().x = 1"),
    ("import os, sys\nf(sys)", "import sys\nf(sys)"),
    ("def f():\n    import os\n    from time import sleep, ticks\n    return ticks\nf()",
     "def f():\n    from time import ticks\n    return ticks\nf()"),
    ("class A:\n    def __init__(self, x):\n        self.kept = x\n        self.gone = x\nf(A(1).kept)",
     "class A:\n    def __init__(self, x):\n        self.kept = x\nf(A(1).kept)"),
    ("class A:\n    def __init__(self):\n        self.gone = g()\nf(A)",
     "class A:\n    def __init__(self):\n        g()\nf(A)"),
    ("class A:\n    def __init__(self):\n        self.gone = self.kept = None\nf(A().kept)",
     "class A:\n    def __init__(self):\n        self.kept = None\nf(A().kept)"),
    ("class A:\n    def f(self, context):\n        context.verify_mode = 1\n        context.ours = 2\nA().f(1)",
     "class A:\n    def f(self, context):\n        context.verify_mode = 1\n        context.ours = 2\nA().f(1)"),
    ("def read_value(): pass\ndef write_value(): pass\nx = getattr(m, 'read_%s' % 'value')\nf(x)",
     "def read_value(): pass\nx = getattr(m, 'read_%s' % 'value')\nf(x)"),
    ("class A:\n    def get_x(self): pass\n    def get_y(self): pass\nf(A, 'get_x')",
     "class A:\n    def get_x(self): pass\nf(A, 'get_x')"),
    ("import io\nclass A(io.IOBase):\n    def readinto(self, b): pass\n    def extra(self): pass\nf(A)",
     "import io\nclass A(io.IOBase):\n    def readinto(self, b): pass\nf(A)"),
    ("class A:\n    def readinto(self, b): pass\nf(A)", "class A:\n    pass\nf(A)"),
    ("class A:\n    def __exit__(self, *a): pass\nf(A)", "class A:\n    def __exit__(self, *a): pass\nf(A)"),
    ("X = (1, 2)\nY = f()\nZ = [X]", "Y = f()"),
    ("def path(): pass\ndef f(path): return path\nf(1)", "def f(path): return path\nf(1)"),
    ("def text(): pass\ndef f(m): return m.text\nf(1)", "def text(): pass\ndef f(m): return m.text\nf(1)"),
    ("count = 0\ndef f():\n    global count\n    count += 1\nf()",
     "count = 0\ndef f():\n    global count\n    count += 1\nf()"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), ROWS, ids=range(len(ROWS)))
def test_shake(before: str, after: str) -> None:
    assert passed(shake, before)[MODULE] == normal(after)


def test_over_modules() -> None:
    found = passed(
        shake,
        {
            "atiny.a": "from .b import used, not_used\nused()",
            "atiny.b": "from .c import deep, deeper\ndef used(): deep()\ndef not_used(): deeper()",
            "atiny.c": "def deep(): pass\ndef deeper(): pass\ndef failed(): pass",
            "atiny.d": "def failed(): pass\nfailed()",
        },
    )
    assert found["atiny.a"] == normal("from .b import used\nused()")
    assert found["atiny.b"] == normal("from .c import deep\ndef used(): deep()")
    assert found["atiny.c"] == normal("def deep(): pass")


def test_what_is_passed_on() -> None:
    found = passed(
        shake,
        {
            "atiny.a": "from .b import X, Y\n",
            "atiny.b": "from .a import X\nf(X)",
            "atiny.p": "from . import base as base, more\n",
            "atiny.p.base": "",
            "atiny.p.more": "",
        },
    )
    assert found["atiny.a"] == normal("from .b import X")
    assert found["atiny.p"] == normal("from . import base as base")


PUBLIC = {
    "atiny": "from .m import Public as Public, public as public\nfrom .adapter import base as base\n",
    MODULE: """
        from .adapter.base import Socket
        def public(): helper()
        def helper(): pass
        class Above:
            def inherited(self): pass
            def _own(self): pass
        class Public(Above):
            def __init__(self):
                self.shown = 1
                self._hidden = 2
            def method(self): pass
            def dropped(self): rest()
            def _private(self): pass
        def rest(): pass
        """,
    "atiny.adapter": "",
    "atiny.adapter.base": """
        class Socket:
            def send(self): raise NotImplementedError
            def close(self): return None
        class Thread:
            def join(self): raise NotImplementedError
        """,
}


def test_what_is_public_stays() -> None:
    text = passed(shake, PUBLIC)[MODULE]
    for word in ("helper", "inherited", "shown", "method", "dropped", "rest"):
        assert word in text, word
    for word in ("_own", "_hidden", "_private", "Socket"):
        assert word not in text, word


def test_a_contract_keeps_what_it_does() -> None:
    assert passed(shake, PUBLIC)["atiny.adapter.base"] == normal("class Socket:\n    def close(self): return None")


def test_what_is_asked_for_stays() -> None:
    found = passed(shake, "def asked(): pass\ndef other(): pass", public=frozenset(["asked"]))
    assert found[MODULE] == normal("def asked(): pass")
