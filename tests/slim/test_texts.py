"""Messages become numbers, with their values; what is data stays."""

import pytest

from atiny.slim.plan import Plan
from atiny.slim.texts import number_texts, short
from atiny.slim.tree import Build
from tests.slim.passing import assert_pass, normal

ERRORS = "class Bad(Exception): pass\nclass Told(Bad):\n    def __init__(self, text): self.text = text\n"
ROWS = [
    ("raise Bad('what was wrong')", "raise Bad(1)"),
    ("raise Told('what was wrong')", "raise Told('#1')"),
    ("raise OSError(5, 'what was wrong')", "raise OSError(5, '#1')"),
    ("raise Bad('%r is not %d bytes long' % (x, 2))", "raise Bad('#1 %r %d' % (x, 2))"),
    ("raise Bad('no %%, %5.2f or %-3s of it' % x)", "raise Bad('#1 %5.2f %-3s' % x)"),
    ("raise Bad('what was wrong: ' + x)", "raise Bad('#1 ' + x)"),
    ("raise Bad('it was wrong' if a else 'it was late!')", "raise Bad('#1' if a else '#2')"),
    ("raise Bad('short one')", "raise Bad('short one')"),
    ("raise self.error('nested too deep')", "raise self.error('#1')"),
    ("x = Bad('kept for later')", "x = Bad(1)"),
    ("log_line(LOG, 'Registration: %s' % x)", "log_line(LOG, '#1 %s' % x)"),
    ("self._warn('the store failed')", "self._warn('#1')"),
    ("return_text = 'the server ended it'", "return_text = '#1'"),
    ("x = Message(4, b'there is no such block')", "x = Message(4, b'#1')"),
    ("x = {1: 'an unknown thing', 2: 'other'}", "x = {1: '#1', 2: 'other'}"),
    ("x = '-----BEGIN PUBLIC KEY-----'", "x = '-----BEGIN PUBLIC KEY-----'"),
    ("if x == 'the server ended it': raise Bad('the server ended it')",
     "if x == 'the server ended it': raise Bad('the server ended it')"),
    ("x = y['the server ended it']", "x = y['the server ended it']"),
    ("x = {'the server ended it': 1}", "x = {'the server ended it': 1}"),
    ("x = y.split('and so it goes on')", "x = y.split('and so it goes on')"),
    ("a = 'and so it goes on'\nx = a.replace('.', '-').split()",
     "a = 'and so it goes on'\nx = a.replace('.', '-').split()"),
    ("self.a = 'and so it goes on'\nx = self.a[1:]", "self.a = 'and so it goes on'\nx = self.a[1:]"),
    ("x = '</1/0>;rt=\"oma.lwm2m\"'", "x = '</1/0>;rt=\"oma.lwm2m\"'"),
    ("raise AttributeError('get_manufacturer')", "raise AttributeError('get_manufacturer')"),
    ("x = f'the server ended {y} times'", "x = f'the server ended {y} times'"),
    ("class A:\n    def __repr__(self): return 'A'\n    x = 1", "class A:\n    x = 1"),
    ("PUBLIC = ('the first of all', 'x')", "PUBLIC = ('the first of all', 'x')"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), ROWS, ids=range(len(ROWS)))
def test_texts(before: str, after: str) -> None:
    assert_pass(number_texts, ERRORS + before, ERRORS + normal(after), public=frozenset(["PUBLIC"]))


def test_the_table() -> None:
    sources = {
        "atiny.b": "x = 1\nraise ValueError('the second of all')",
        "atiny.a": "raise ValueError('the first of all', 'and the third'\n  ' of them')\ny = 'no text'",
    }
    assert number_texts(Build(sources, Plan())) == {
        1: ("atiny.a", 1, "the first of all"),
        2: ("atiny.a", 1, "and the third of them"),
        3: ("atiny.b", 2, "the second of all"),
    }


@pytest.mark.parametrize("text", ["%s", "%5d of %r", "100 %% of %.2f", "%-3s %*d", "no values at all"])
def test_a_short_one_takes_the_same_values(text: str) -> None:
    values = {"%s": ("a",), "%5d of %r": (1, "b"), "100 %% of %.2f": (1.5,), "%-3s %*d": ("a", 3, 4)}.get(text, ())
    assert text % values
    assert (short(7, text) % values).startswith("#7")
