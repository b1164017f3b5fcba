"""``atiny object``: OMA's definitions and the classes made of them; definitions that are none."""

import importlib.util
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

import atiny
from atiny.cli import main
from atiny.cli.definition import MAX_SIZE
from atiny.testing import Simulation
from tests.cli.definitions import NASTY, document, item, xml_allows
from tests.cli.generated import read_write
from tests.sources import ROOT
from tests.tools import tool

OMA = sorted((ROOT / "tests" / "data" / "oma").glob("*.xml"))
NAMES = [path.stem for path in OMA]


def generate(xml: Path, folder: Path) -> Path:
    out = folder / f"object_{xml.stem.replace('-', '_')}.py"
    assert main(["object", str(xml), "--out", str(out)]) == 0
    return out


def loaded(path: Path) -> type:
    """The one class of a generated file."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (cls,) = [one for one in vars(module).values() if isinstance(one, type) and issubclass(one, atiny.Object)]
    return cls


@pytest.fixture(scope="module")
def nasty(tmp_path_factory) -> Path:
    """The classes of definitions whose texts are made to break the layout."""
    folder = tmp_path_factory.mktemp("nasty")
    for number, text in enumerate(NASTY):
        rows = [
            item(0, text, "RW", "String", range="1..9", unit=text, description=text),
            item(1, text, "E", "", description=text),
            item(2, "x" * 48, "RW", "Integer", many=True, must=True, range="100000, 2000000, 30000000..400000000"),
            item(3, "y" * 48, "", "Opaque", many=True, must=True, unit="u" * 48, range="16-32-48 bytes"),
            item(4, "z'\"", "RW", "Float", unit="it's \"5\" 'x'", range=text),
        ]
        (folder / f"nasty_{number}.xml").write_bytes(xml_allows(document(*rows, name=text, description=text)))
        generate(folder / f"nasty_{number}.xml", folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The classes of all definitions."""
    folder = tmp_path_factory.mktemp("generated")
    for xml in OMA:
        generate(xml, folder)
    return folder


def test_all_of_oma_s_are_here():
    assert len(OMA) == 33


@pytest.mark.parametrize("xml", OMA, ids=NAMES)
def test_the_result_passes_its_own_read_write_test(xml, folder):
    assert read_write(loaded(folder / f"object_{xml.stem.replace('-', '_')}.py")) > 0


@pytest.mark.parametrize("xml", OMA, ids=NAMES)
def test_the_table_is_that_of_the_definition(xml, folder):
    cls = loaded(folder / f"object_{xml.stem.replace('-', '_')}.py")
    element = ElementTree.parse(xml).getroot().find("Object")
    assert cls.object_id == int(element.findtext("ObjectID"))
    assert (cls.version or "1.0") == (element.findtext("ObjectVersion") or "1.0")
    assert cls.multiple == (element.findtext("MultipleInstances") == "Multiple")
    types = {"INTEGER": "Integer", "STRING": "String", "OBJLNK": "Objlnk", "NONE": ""}
    rows = []
    for row in cls.resources:
        word = atiny.lwm2m.types.NAMES[row.type]
        rows.append(
            (row.id, row.operations, row.multiple, row.mandatory, types.get(word, word.capitalize()), row.unit or "")
        )
    expected = []
    for child in element.iter("Item"):
        said = {name: (child.findtext(name) or "").strip() for name in ("Operations", "Type", "Units")}
        kind = {"Unsigned Integer": "Integer", "Corelnk": "String"}.get(said["Type"], said["Type"])
        many, must = child.findtext("MultipleInstances") == "Multiple", child.findtext("Mandatory") == "Mandatory"
        expected.append((int(child.get("ID")), said["Operations"], many, must, kind, said["Units"]))
    assert rows == expected


def test_under_micropython(folder):
    modules = sorted(path.stem for path in folder.glob("object_*.py"))
    run = subprocess.run(
        [tool("micropython"), str(ROOT / "tests" / "micropython" / "generated_check.py"), *modules],
        env={**os.environ, "MICROPYPATH": f"{ROOT}:{folder}"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.count("ok object_") == len(OMA) == len(modules)


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments", [["ruff", "check"], ["ruff", "format", "--check"], ["mypy", "--strict", "--follow-imports=silent"]]
)
def test_the_linters_find_nothing(arguments, folder, nasty):
    """The gate has both by the time it runs what is slow."""
    command = tool(arguments[0])
    configuration = ["--config", str(ROOT / "pyproject.toml")] if arguments[0] == "ruff" else ["--config-file="]
    files = [str(path) for place in (folder, nasty) for path in sorted(place.glob("object_*.py"))]
    assert len(files) == len(OMA) + len(NASTY)
    run = subprocess.run(
        [command, *arguments[1:], *configuration, *files],
        env={**os.environ, "MYPYPATH": str(ROOT)},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert run.returncode == 0, run.stdout + run.stderr


PRINTED = '''\
"""Odd Pump: object 33000, version 1.2. Made by atiny object from pump.xml."""

import atiny
from atiny.coap import codes


class OddPump(atiny.Object):
    """A pump."""

    object_id = 33000
    version = "1.2"
    multiple = True  # and creatable = True where servers may Create and Delete instances
    resources = (
        # How fast.
        atiny.Resource(1, "speed", atiny.INTEGER, "RW", mandatory=True, unit="l/min"),
        # Range: 0..1
        atiny.Resource(2, "load", atiny.FLOAT, "R", multiple=True),
        atiny.Resource(3, "stop", atiny.NONE, "E", mandatory=True),
    )

    def __init__(self) -> None:
        self.speed = 5
        self.load: "dict[int, float] | None" = None

    def check_speed(self, value: int) -> None:
        """5 to 90."""
        if not 5 <= value <= 90:
            raise atiny.Rejected(codes.BAD_REQUEST, "speed is 5 to 90")

    def execute_stop(self, arguments: str) -> object:
        """Stops it."""
        raise NotImplementedError("execute_stop is not written yet")
'''

PUMP = document(
    item(1, "Speed", "RW", "Integer", must=True, range="5..90", unit="l/min", description="How fast."),
    item(2, "Load", "R", "Float", many=True, range="0..1"),
    item(3, "Stop", "E", "", must=True, description="Stops it."),
    id=33000,
    name="Odd Pump",
    version="1.2",
    description="A pump.",
)


def test_what_is_printed(tmp_path, capfdbinary):
    file = tmp_path / "pump.xml"
    file.write_bytes(PUMP)
    assert main(["object", str(file)]) == 0
    out, err = capfdbinary.readouterr()
    assert out.decode() == PRINTED
    assert err == b""


def test_out_writes_a_new_file_and_keeps_one_that_is_there(tmp_path, capsys):
    (tmp_path / "pump.xml").write_bytes(PUMP)
    out = tmp_path / "pump.py"
    arguments = ["object", str(tmp_path / "pump.xml"), "--out", str(out)]
    assert main(arguments) == 0
    assert out.read_text() == PRINTED
    out.write_text("edited")
    assert main(arguments) == 1
    assert out.read_text() == "edited"
    assert f"atiny: {out} exists: give another --out, or remove it" in capsys.readouterr().err
    assert main([*arguments[:-1], str(tmp_path / "no folder" / "pump.py")]) == 1
    assert "cannot write" in capsys.readouterr().err


def test_the_class_is_named_as_told(tmp_path, capsys):
    file = tmp_path / "pump.xml"
    file.write_bytes(PUMP)
    assert main(["object", str(file), "--class", "Pump_2"]) == 0
    assert "class Pump_2(atiny.Object):" in capsys.readouterr().out
    for name in ("", "2pump", "class", "None", "a-b", "P\u00e4mp", "atiny", "codes", "a\nb", "A\n"):
        assert main(["object", str(file), "--class", name]) == 2, name
        assert "--class" in capsys.readouterr().err


def test_what_a_client_has_by_itself_is_told(capsys):
    assert main(["object", str(ROOT / "tests/data/oma/3.xml")]) == 0
    assert "object 3 is built in" in capsys.readouterr().err
    with pytest.raises(atiny.ParameterError, match="object 3 is already defined"):
        atiny.Client("x", "coap://127.0.0.1", objects=[type("Device3", (atiny.Object,), {"object_id": 3})()])


def test_an_execute_that_is_not_written_is_the_host_s_to_know(tmp_path):
    """The server gets a 5.00; the event names the method."""
    (tmp_path / "pump.xml").write_bytes(PUMP)
    pump = loaded(generate(tmp_path / "pump.xml", tmp_path))()
    events = []
    simulation = Simulation()
    server = simulation.server()
    client = simulation.client("pump", objects=[pump], on_event=lambda event, arg: events.append((event, arg)))
    simulation.run_until(lambda: client.registered, timeout_ms=60_000)
    answer = server.execute("pump", "/33000/0/3")
    simulation.run_until(lambda: answer.done, timeout_ms=60_000)
    assert answer.code == "5.00"
    told = [str(arg) for event, arg in events if event == atiny.ATINY_HANDLER_ERROR]
    assert len(told) == 1
    assert "execute_stop is not written yet" in told[0]


ONE = item(1, "Value", "R", "Integer")
# What is wrong with a file, and what the user is told.
BAD = {
    "empty": (b"", "not XML"),
    "not XML": (b"object_id = 3", "not XML"),
    "cut short": (PUMP[:-20], "not XML"),
    "not UTF-8": (b"\xff\xfe<\0L\0", "not UTF-8"),
    "HTML": (b"<html><body/></html>", "<html> where <LWM2M> should be"),
    "no object": (b"<LWM2M/>", "defines 0 (none)"),
    "two objects": (
        b"<LWM2M><Object><ObjectID>1</ObjectID></Object><Object><ObjectID>2</ObjectID></Object></LWM2M>",
        "defines 2 (1, 2): one file for each",
    ),
    "no id": (document(ONE, id=""), "<ObjectID> is ''"),
    "an id too large": (document(ONE, id=65536), "<ObjectID> is '65536'"),
    "an id with a sign": (document(ONE, id="+3"), "<ObjectID> is '+3'"),
    "an id in other digits": (document(ONE, id="\u0663"), "<ObjectID>"),
    "a version that is none": (document(ONE, version="1.10"), "<ObjectVersion> is '1.10'"),
    "no resources": (document(), "has no resources"),
    "a resource without an id": (document(ONE.replace('ID="1"', "")), "the ID of an <Item> is ''"),
    "a resource twice": (document(ONE, ONE), "the resource 1 stands there twice"),
    "operations that are none": (document(item(1, "x", "RWE", "Integer")), "the resource 1: <Operations> is 'RWE'"),
    "a type that is none": (document(item(1, "x", "R", "Complex")), "the resource 1: <Type> is 'Complex'"),
    "a value without a type": (document(item(1, "x", "R", "")), "the resource 1: <Type> is ''"),
    "several of an execute": (document(item(1, "x", "E", "", many=True)), "what is executed has no value"),
    "neither single nor multiple": (document(ONE.replace("Single", "Some")), "<MultipleInstances> is 'Some'"),
    "neither mandatory nor optional": (document(ONE.replace("Optional", "Maybe")), "<Mandatory> is 'Maybe'"),
    "too long": (PUMP + b" " * MAX_SIZE, f"longer than {MAX_SIZE} bytes"),
    "a document type": (b'<!DOCTYPE x SYSTEM "file:///etc/passwd">' + PUMP, "document type"),
    "entities": (
        b'<!DOCTYPE x [<!ENTITY a "' + b"a" * 1000 + b'">' + b'<!ENTITY b "' + b"&a;" * 1000 + b'">]>' + PUMP,
        "document type",
    ),
    "a document type behind a trick": (b"<?x <!-- ?><!DOCTYPE x []><!-- -->" + PUMP, "document type"),
    "an entity that nobody defined": (PUMP.replace(b"A pump", b"A &pump;"), "not XML"),
    "an encoding that hides it": (b'<?xml version="1.0" encoding="UTF-7"?>+ADw-LWM2M/+AD4-', "not XML"),
    "a deep one": (b"<LWM2M>" + b"<a>" * 100_000 + b"</a>" * 100_000 + b"</LWM2M>", "defines 0 (none)"),
    "deep text": (PUMP.replace(b"A pump", b"<a>" * 50_000 + b"</a>" * 50_000).replace(b"<Obj", b"<X", 1), "not XML"),
}


@pytest.mark.parametrize(("data", "told"), BAD.values(), ids=BAD)
def test_a_file_that_is_no_definition(data, told, tmp_path, capsys):
    file = tmp_path / "bad.xml"
    file.write_bytes(data)
    assert main(["object", str(file), "--out", str(tmp_path / "out.py")]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith(f"atiny: {file}: ")
    assert told in shown.err
    assert shown.err.count("\n") == 1
    assert not (tmp_path / "out.py").exists()


def test_a_file_that_is_not_there(tmp_path, capsys):
    assert main(["object", str(tmp_path / "no.xml")]) == 2
    assert "does not exist" in capsys.readouterr().err
    assert main(["object", str(tmp_path)]) == 2
    assert main(["object"]) == 2


def test_without_a_licence_in_the_file_none_is_made_up(tmp_path, folder):
    assert "Redistribution" not in PRINTED
    source = (folder / "object_3303.py").read_text()
    notice = OMA[NAMES.index("3303")].read_text().split("<!--")[1].split("-->")[0]
    words = " ".join(notice.split()).partition("Copyright")[2]
    kept = " ".join(line.removeprefix("#").strip() for line in source.splitlines() if line.startswith("#"))
    assert words.strip() in " ".join(kept.split())


def test_the_command_as_a_process(tmp_path):
    """With an output that is no UTF-8, and one that has gone."""
    command = [sys.executable, "-m", "atiny.cli", "object", "tests/data/oma/5.xml"]
    run = subprocess.run(command, cwd=ROOT, env={"LC_ALL": "C", "PYTHONUTF8": "0"}, capture_output=True, timeout=20)
    assert run.returncode == 0, run.stderr
    compile(run.stdout.decode(), "object", "exec")
