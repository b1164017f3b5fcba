"""``atiny lint``: what MicroPython would refuse or take differently, by file and line."""

import json

import pytest

from atiny.cli import main
from tests.sources import ROOT

GOOD = "import struct\n\n\ndef size(data):\n    return struct.unpack('>H', data)[0]\n"
SOURCES = {
    "good.py": GOOD,
    "enums.py": "import os\nimport enum\n\nprint([*os.listdir()])\n",
    "lib/deep/match.py": "match 1:\n    case 1:\n        pass\n",
    "lib/good.py": GOOD,
    "lib/broken.py": "x = 1\ny = (\n",
    "lib/notes.txt": "import enum\n",
    "a: b/colon.py": "\n\nimport functools\n",
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, with sources."""
    monkeypatch.chdir(tmp_path)
    for name, text in SOURCES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "latin.py").write_bytes(b"x = '\xe9'\n")
    (tmp_path / "zero.py").write_bytes(b"x = '\0'\n")
    return tmp_path


@pytest.mark.parametrize(
    ("names", "code", "found"),
    [
        (["good.py"], 0, []),
        (["good.py", "lib/good.py"], 0, []),
        (["enums.py"], 1, [("enums.py", 2, "no module enum"), ("enums.py", 4, "a star in a display")]),
        (["good.py", "enums.py", "lib/good.py"], 1, [("enums.py", 2, ""), ("enums.py", 4, "")]),
        (["lib"], 1, [("lib/broken.py", 2, "this is no Python: "), ("lib/deep/match.py", 1, "match")]),
        (["lib/deep", "enums.py"], 1, [("lib/deep/match.py", 1, ""), ("enums.py", 2, ""), ("enums.py", 4, "")]),
        (["latin.py"], 1, [("latin.py", 1, "this is no Python: ")]),
        (["zero.py"], 1, [("zero.py", 1, "this is no Python: ")]),
        (["a: b"], 1, [("a: b/colon.py", 3, "no module functools")]),
    ],
)
def test_findings(folder, capsys, names, code, found):
    assert main(["lint", *names]) == code
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert (len(lines), err) == (len(found), "")
    for line, (name, number, why) in zip(lines, found, strict=True):
        assert line.startswith(f"{name}:{number}: ")
        assert why in line

    assert main(["lint", *names, "--json"]) == code
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(event["event"], event["file"], event["line"]) for event in events] == [
        ("finding", name, number) for name, number, _ in found
    ]
    assert [f"{event['file']}:{event['line']}: {event['why']}" for event in events] == lines


@pytest.mark.parametrize(("arguments", "why"), [([], "FILE"), (["nothing.py"], "nothing.py")])
def test_wrong_usage(folder, capsys, arguments, why):
    assert main(["lint", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert why in err


def test_the_examples_for_boards_pass(capsys):
    assert main(["lint", str(ROOT / "examples" / "micropython")]) == 0
    assert capsys.readouterr() == ("", "")
