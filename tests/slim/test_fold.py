"""Conditions that are decided before the program runs, and what cannot be reached."""

import ast

import pytest

from atiny.slim.fold import NotConstant, fold, value_of
from tests.slim.passing import assert_pass

ROWS = [
    ("x = not True", "x = False"),
    ("x = 1 < 2", "x = True"),
    ("x = 0 is None", "x = False"),
    ("x = None is not None", "x = False"),
    ("x = 1 << 3 | 4", "x = 12"),
    ("x = -(1 + 2)", "x = -3"),
    ("x = a << 3", "x = a << 3"),
    ("x = a / 2", "x = a / 2"),
    ("x = 1 if True else f()", "x = 1"),
    ("x = True and a", "x = a"),
    ("x = a and True", "x = a and True"),
    ("x = a or False or b", "x = a or b"),
    ("x = None and f()", "x = None"),
    ("x = f() and None and g()", "x = f() and None"),
    ("x = False or a", "x = a"),
    ("if a and True:\n    f()", "if a:\n    f()"),
    ("if a and False:\n    f()\ng()", "g()"),
    ("if a() and False:\n    f()\ng()", "if a() and False:\n    f()\ng()"),
    ("if a or True:\n    f()\nelse:\n    g()", "f()"),
    ("if True:\n    f()\nelse:\n    g()", "f()"),
    ("if False:\n    f()\nelif a:\n    g()\nelse:\n    h()", "if a:\n    g()\nelse:\n    h()"),
    ("if a:\n    f()\nelif True:\n    g()\nelse:\n    h()", "if a:\n    f()\nelse:\n    g()"),
    ("if a:\n    pass\nelse:\n    f()", "if not a:\n    f()"),
    ("if not a:\n    pass\nelse:\n    f()", "if a:\n    f()"),
    ("if a:\n    if False:\n        f()\ng()", "g()"),
    ("if a():\n    if False:\n        f()", "a()"),
    ("while False:\n    f()\ng()", "g()"),
    ("for x in y:\n    if False:\n        f()", "for x in y:\n    pass"),
    ("def f():\n    return 1\n    g()", "def f():\n    return 1"),
    ("def f():\n    if a:\n        return 1\n    else:\n        raise b\n    g()",
     "def f():\n    if a:\n        return 1\n    else:\n        raise b"),
    ("def f():\n    while True:\n        g()\n    h()", "def f():\n    while True:\n        g()"),
    ("def f():\n    while True:\n        break\n    h()", "def f():\n    while True:\n        break\n    h()"),
    ("def f():\n    raise E\n    yield", "def f():\n    raise E\n    yield"),
    ("def f():\n    if True:\n        raise E\n    g()", "def f():\n    raise E"),
    ("def f():\n    if False:\n        g()", "def f():\n    pass"),
    ("try:\n    if False:\n        f()\nexcept E:\n    g()\nfinally:\n    h()", "h()"),
    ("try:\n    f()\nfinally:\n    if False:\n        g()", "f()"),
    ("x = [a for a in b if True]", "x = [a for a in b]"),
    ("for x in y:\n    continue\n    f()", "for x in y:\n    continue"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), ROWS, ids=range(len(ROWS)))
def test_fold(before: str, after: str) -> None:
    assert_pass(lambda build: [fold(module) for module in build], before, after)


@pytest.mark.parametrize(
    ("text", "value"),
    [("const(5)", 5), ("~0", -1), ("2 ** 10", 1024), ("7 // 2", 3), ("1 == True", True), ("None == 1", False)],
)
def test_values(text: str, value: object) -> None:
    assert value_of(ast.parse(text, mode="eval").body) == value


@pytest.mark.parametrize("text", ["'a'", "1.5", "1 << 1000", "1 // 0", "x", "f(1)", "1 < None", "2 ** -1", "()"])
def test_no_values(text: str) -> None:
    with pytest.raises(NotConstant):
        value_of(ast.parse(text, mode="eval").body)


@pytest.mark.parametrize("truth", [True, False])
def test_the_same_happens(truth: bool) -> None:
    """All conditions of two operands, folded and not, do the same."""
    operands = ["True", "False", "None", "t()", "f()"]
    lines = ["log = []", "def t():", "    log.append('t')", "    return 1", "def f():", "    log.append('f')",
             "    return 0"]  # fmt: skip
    for first in operands:
        for second in operands:
            for word in ("and", "or"):
                test = f"{first} {word} {second}" if truth else f"not ({first} {word} not {second})"
                lines += [f"if {test}:", "    log.append(1)", "else:", "    log.append(2)", f"log.append({test})"]
    source = "\n".join(lines)
    wanted: "dict[str, object]" = {}
    exec(source, wanted)
    from atiny.slim.plan import Plan
    from atiny.slim.tree import Build

    build = Build({"m": source}, Plan())
    fold(build.modules["m"])
    found: "dict[str, object]" = {}
    exec(compile(ast.fix_missing_locations(build.modules["m"].tree), "m", "exec"), found)
    assert found["log"] == wanted["log"]
