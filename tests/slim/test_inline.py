"""Functions that go to the one place that calls them."""

import pytest

from atiny.slim.build import Build
from atiny.slim.inline import inline
from atiny.slim.links import Links
from atiny.slim.surface import find_surface
from tests.slim.passing import MODULE, assert_pass, normal, passed


def run(build: Build) -> None:
    inline(build, find_surface(build, Links(build)))


def method(body: str, *callees: str) -> str:
    """A class whose method ``run`` has this body, with other methods besides."""
    methods = "\n".join(callees + ("def run(self, x):\n" + indented(body),))
    return "class A:\n" + indented(methods)


def indented(text: str) -> str:
    return "\n".join("    " + line for line in text.split("\n"))


LONG = "def _f(self, y):\n    if y:\n        return 1\n    self.n = y"  # it has two ends
SHORT = "def _f(self, y):\n    self.n = y\n    return y + 1"  # it has one
VALUE = "def _f(self, y):\n    return y + self.n"

# (what calls, the function, what comes out of the two)
ROWS = {
    "the end of a function, with its value": (
        "return self._f(x)", LONG, "if x:\n    return 1\nself.n = x",
    ),
    "an end that is not the last statement": (
        "if x:\n    return self._f(x)\nf()", LONG,
        "if x:\n    if x:\n        return 1\n    self.n = x\n    return\nf()",
    ),
    "the last statement": (
        "f()\nself._f(x)", LONG, "f()\nif x:\n    return\nself.n = x",
    ),
    "the last one of a branch that is the last": (
        "if x:\n    self._f(x)\nelse:\n    f()", LONG,
        "if x:\n    if x:\n        return\n    self.n = x\nelse:\n    f()",
    ),
    "any statement": ("self._f(x)\nf()", SHORT, "self.n = x\nf()"),
    "a value": ("z = self._f(x)\nf(z)", SHORT, "self.n = x\nz = x + 1\nf(z)"),
    "a value that comes first": ("if self._f(x) > g():\n    f()", SHORT, "self.n = x\nif x + 1 > g():\n    f()"),
    "an argument of a function": ("z = [g(self._f(x), f())]", SHORT, "self.n = x\nz = [g(x + 1, f())]"),
    "an expression goes everywhere": ("while g() or self._f(x):\n    f()", VALUE, "while g() or x + self.n:\n    f()"),
    "a constant": ("self._f(0)\nf()", SHORT, "self.n = 0\nf()"),
    "an argument that does something": ("self._f(g())\nf()", SHORT, "y = g()\nself.n = y\nf()"),
    "a parameter that changes": ("self._f(x)\nf()", "def _f(self, y):\n    y += 1\n    self.n = y",
                                 "y = x\ny += 1\nself.n = y\nf()"),
    "a default": ("self._f()\nf()", "def _f(self, y=None):\n    self.n = y", "self.n = None\nf()"),
    "by name": ("self._f(y=x)\nf()", SHORT, "self.n = x\nf()"),
    "a name that the caller has": ("y = 1\nself._f(x)\nf(y)", "def _f(self, z):\n    y = z\n    self.n = y + y",
                                   "y = 1\n_y = x\nself.n = _y + _y\nf(y)"),
    "the name of an error": ("error = 1\nself._f(x)\nf(error)",
                             "def _f(self, y):\n    try:\n        g()\n    except OSError as error:\n        f(error)",
                             "error = 1\ntry:\n    g()\nexcept OSError as _error:\n    f(_error)\nf(error)"),
    "another object's": ("x.b._f(1)\nf()", SHORT, "self_ = x.b\nself_.n = 1\nf()".replace("self_", "_self")),
    "one after the other": ("self._f(x)\nself._g(x)", SHORT + "\ndef _g(self, z):\n    self.m = z",
                            "self.n = x\nself.m = x"),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS)
def test_inline(row: str) -> None:
    body, callee, after = ROWS[row]
    assert_pass(run, method(body, callee), method(after))


# What stays: (what calls, the function).
STAYS = {
    "two ends in the middle": ("self._f(x)\nf()", LONG),
    "two ends in a loop": ("for z in x:\n    self._f(z)", LONG),
    "two ends in a try": ("try:\n    self._f(x)\nfinally:\n    f()", LONG),
    "two ends of a value": ("z = self._f(x)", LONG),
    "something comes before": ("z = f() + self._f(x)", SHORT),
    "it comes again": ("while self._f(x):\n    f()", SHORT),
    "something is added to it": ("x += self._f(x)", SHORT),
    "it may not come at all": ("if x and self._f(x):\n    f()", SHORT),
    "two call it": ("self._f(x)\nself._f(x)", SHORT),
    "it is handed on": ("f(self._f)", SHORT),
    "it is named by a string": ("self._f(x)\ng(self, '_f')", SHORT),
    "a generator": ("self._f(x)\nf()", "def _f(self, y):\n    yield y"),
    "a function inside": ("self._f(x)\nf()", "def _f(self, y):\n    self.n = lambda: y"),
    "any number of arguments": ("self._f(*x)\nf()", SHORT),
    "a property": ("self._f(x)\nf()", "@property\n" + SHORT),
    "a special method": ("self.__len__()", "def __len__(self):\n    return self.n"),
    "one that other objects have, too": ("x.append(1)", "def append(self, y):\n    self.n = y"),
    "a global of the name of a variable": ("g = 1\nself._f(x)\nf(g)", "def _f(self, y):\n    g(y)"),
    "it calls itself": ("f()", "def _f(self, y):\n    return self._f(y)"),
}


@pytest.mark.parametrize("row", STAYS)
def test_what_stays(row: str) -> None:
    body, callee = STAYS[row]
    source = method(body, callee)
    assert_pass(run, source, source)


def test_too_many_names() -> None:
    names = ["v%d" % number for number in range(16)]
    body = "\n".join("%s = f()" % name for name in names)
    callee = "def _f(self, y):\n" + "\n".join("    w%s = f()" % name for name in names)
    source = method(body + "\nself._f(x)\nf()", callee)
    assert_pass(run, source, source)


def test_functions() -> None:
    assert_pass(run, "def f(x):\n    return g(x)\n\ndef g(y):\n    return y + 1", "def f(x):\n    return x + 1")
    module = "import m\n\nclass A:\n\n    def tell(self, x):\n        return x\n\ndef f(x):\n    return m.tell(x)"
    assert_pass(run, module, module)  # that is the function of a module


def test_what_a_host_or_another_module_names_stays() -> None:
    public = "def f(x):\n    return g(x)\n\ndef g(y):\n    return y + 1"
    assert passed(run, {"atiny": "from atiny.m import g", MODULE: public})[MODULE] == normal(public)
    assert passed(run, {"atiny.n": "from atiny.m import g\ng(1)", MODULE: public})[MODULE] == normal(public)
