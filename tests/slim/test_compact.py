"""The same, in fewer bytes."""

import pytest

from atiny.slim.compact import compact
from tests.slim.passing import assert_pass

ROWS = [
    ("if a is not None:\n    f()", "if not a is None:\n    f()"),
    ("if a and b not in c:\n    f()", "if a and not b in c:\n    f()"),
    ("if not a is not None:\n    f()", "if a is None:\n    f()"),
    ("x = a is not None", "x = a is not None"),
    ("x = b if a is not None else c", "x = b if not a is None else c"),
    ("def f():\n    return a if b else c", "def f():\n    if b:\n        return a\n    return c"),
    ("def f():\n    return a if b else c if d else e",
     "def f():\n    if b:\n        return a\n    if d:\n        return c\n    return e"),
    ("def f(y):\n    return [x + 1 for x in y if x]",
     "def f(y):\n    _loop1_all = []\n    for _loop1_x in y:\n        if _loop1_x:\n"
     "            _loop1_all.append(_loop1_x + 1)\n    return _loop1_all"),
    ("def f(x):\n    x = [x for x in x]\n    return x",
     "def f(x):\n    _loop1_all = []\n    for _loop1_x in x:\n        _loop1_all.append(_loop1_x)\n    x = _loop1_all\n"
     "    return x"),
    ("def f(y):\n    return b''.join([x for x in y])",
     "def f(y):\n    _loop1_all = []\n    for _loop1_x in y:\n        _loop1_all.append(_loop1_x)\n"
     "    return b''.join(_loop1_all)"),
    ("def f(y):\n    return g(y, [x for x in y])", "def f(y):\n    return g(y, [x for x in y])"),
    ("def f(y):\n    return y.z([x for x in y])", "def f(y):\n    return y.z([x for x in y])"),
    ("def f(y):\n    return [lambda: x for x in y]", "def f(y):\n    return [lambda: x for x in y]"),
    ("x = [y for y in z]", "x = [y for y in z]"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), ROWS, ids=range(len(ROWS)))
def test_compact(before: str, after: str) -> None:
    assert_pass(compact, before, after)


def test_a_loop_inside_a_loop_gives_the_same() -> None:
    source = """
        def f(rows):
            for row in [sorted([x for x in row if x > 1]) for row in rows]:
                total = sum([x * 2 for x in row])
                yield [total, [x for x in row]]
        """
    from tests.slim.passing import MODULE, normal, passed

    before: "dict" = {}
    after: "dict" = {}
    exec(normal(source), before)
    exec(passed(compact, source)[MODULE], after)
    rows = [[3, 1, 2], [], [5, 0]]
    assert list(after["f"](rows)) == list(before["f"](rows))
