"""The generator's names and texts: whatever a definition says, the source means what it should and nothing else."""

import ast
import keyword

import pytest
from hypothesis import given, settings, strategies as st

import atiny
from atiny.cli.definition import parse
from atiny.cli.source import WIDTH, class_name, resource_names, source_of
from atiny.lwm2m.checks import check_table
from tests.cli.definitions import NASTY, document, item, xml_allows
from tests.cli.generated import read_write


def names(*said: str) -> "list[str]":
    """The names of readable resources, with ids from 0, that the definition calls so."""
    return resource_names(parse(document(*(item(n, one, "R", "Integer") for n, one in enumerate(said)))).items)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("Sensor Value", "sensor_value"),
        ("LWM2M  Server URI", "lwm2m_server_uri"),
        ("LwM2M Server SMS Number", "lwm2m_server_sms_number"),
        ("Bootstrap-Server", "bootstrap_server"),
        ("SMS Binding Secret Key(s)", "sms_binding_secret_keys"),
        ("DTLS/TLS Ciphersuite", "dtls_tls_ciphersuite"),
        ("SignalSNR", "signal_snr"),
        ("PkgName", "pkg_name"),
        ("IPv4 Address", "ipv4_address"),
        ("HTTPServer", "http_server"),
        ("TLS 1.3 Features", "tls_1_3_features"),
        ("5G Mode", "resource_5g_mode"),
        ("Température d'été", "temperature_dete"),
        ("温度", "resource_0"),
        ("%", "resource_0"),
        ("", "resource_0"),
        ("Class", "class_value"),
        ("None", "none"),
        ("Match", "match_value"),
        ("Read", "read_value"),
        ("Object ID", "object_id_value"),
        ("Version", "version_value"),
        ("Resources", "resources_value"),
        ("__init__", "init"),
        ("__class__", "class_value"),
        ("x" * 300, "x" * 48),
        ("word " * 60, "word_word_word_word_word_word_word_word_word"),
    ],
)
def test_a_resource_s_name(said, name):
    assert names(said) == [name]


def test_names_that_meet():
    assert names("On/Off", "On Off", "on-off") == ["on_off", "on_off_1", "on_off_2"]
    assert names("X", "X 2", "X") == ["x", "x_2", "x_2_"]
    assert names("Count", "Read Count", "Check Sum") == ["count", "the_read_count", "check_sum"]


def named(name: str) -> str:
    return class_name(parse(document(item(0, "x", "R", "Integer"), name=name)))


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("Temperature", "Temperature"),
        ("LWM2M Security", "LWM2MSecurity"),
        ("set point/ramp (v2)", "SetPointRampV2"),
        ("3D Position", "Object3DPosition"),
        ("None", "NoneObject"),
        ("温度", "Object"),
        ("", "Object33000"),
    ],
)
def test_a_class_s_name(said, name):
    assert named(said) == name


texts = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co"]) | st.sampled_from("\n\t\r\"'\\#"), max_size=400
)
said = st.sampled_from(NASTY) | texts
kinds = st.sampled_from(["String", "Integer", "Unsigned Integer", "Float", "Boolean", "Opaque", "Time", "Objlnk"])
ranges = (
    st.sampled_from(["", "0..100", "1..7", "7 bytes", "1,2,3", "U, UQ", "-5..-1", "1..20 bytes", "0.5..0.75"]) | said
)


@st.composite
def definitions(draw):
    items = []
    for number in range(draw(st.integers(1, 4))):
        executed = draw(st.booleans())
        items.append(
            item(
                number,
                draw(said),
                "E" if executed else draw(st.sampled_from(["R", "W", "RW", ""])),
                "" if executed else draw(kinds),
                many=not executed and draw(st.booleans()),
                must=draw(st.booleans()),
                range=draw(ranges),
                unit=draw(said),
                description=draw(said),
            )
        )
    return document(*items, name=draw(said), description=draw(said))


def only_text(data: bytes, origin: str) -> None:
    """The source compiles to one class whose table is right; its lines fit; no text became code."""
    definition = parse(xml_allows(data))
    name = class_name(definition)
    source = source_of(definition, name, origin)
    tree = ast.parse(source, type_comments=True)
    body = [type(node).__name__ for node in tree.body]
    assert body in (["Expr", "Import", "ClassDef"], ["Expr", "Import", "ImportFrom", "ClassDef"])
    called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert called <= CALLS
    assert [line for line in source.split("\n") if len(line) > WIDTH or line != line.rstrip()] == []
    assert all(character.isprintable() or character == "\n" for character in source)
    assert source.endswith("\n")
    names: dict = {}
    exec(compile(source, "generated", "exec"), names)
    cls = names[name]
    assert issubclass(cls, atiny.Object)
    assert sorted(check_table(cls)) == [one.id for one in definition.items]
    instance = cls()
    for row in cls.resources:
        assert not keyword.iskeyword(row.name)
        assert not hasattr(atiny.Object, row.name)
        assert row.executable or (getattr(instance, row.name) is not None) == row.mandatory


CALLS = {
    "atiny.Resource",
    "atiny.Rejected",
    "NotImplementedError",
    "len",
    "bytes",
    "value.encode",
    "value.values",
    "one.encode",
}


@pytest.mark.parametrize("place", ["name", "description", "origin", "item", "unit", "range", "text", "everywhere"])
@pytest.mark.parametrize("nasty", NASTY)
@pytest.mark.parametrize("rest", ["", "Plain"])
def test_a_nasty_text_is_only_text(nasty, place, rest):
    said = dict.fromkeys(["name", "description", "origin", "item", "unit", "range", "text"], rest)
    for where in said if place == "everywhere" else [place]:
        said[where] = nasty
    items = [
        item(number, said["item"], operations, kind, range=said["range"], unit=said["unit"], description=said["text"])
        for number, (operations, kind) in enumerate([("R", "String"), ("RW", "Integer"), ("E", ""), ("", "Opaque")])
    ]
    only_text(document(*items, name=said["name"], description=said["description"]), said["origin"])


@settings(max_examples=100, deadline=None)
@given(definitions(), said)
def test_any_text_is_only_text(data, origin):
    only_text(data, origin)


@pytest.mark.parametrize(
    "kind", ["String", "Integer", "Unsigned Integer", "Float", "Boolean", "Opaque", "Time", "Objlnk"]
)
@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("must", [False, True])
def test_every_kind_of_resource_passes_the_read_write_test(kind, many, must):
    said = {"String": "1..9", "Opaque": "3", "Integer": "1..7, 300", "Float": "0.25..0.75", "Time": "1..1800000000"}
    rows = [
        item(number, f"Row {number}", operations, kind, many=many, must=must, range=said.get(kind, ""), unit="1")
        for number, operations in enumerate(("R", "W", "RW", ""))
    ]
    definition = parse(document(*rows, item(9, "Go", "E", ""), many=False))
    names: dict = {}
    exec(compile(source_of(definition, "Every", "every.xml"), "every", "exec"), names)
    assert read_write(names["Every"]) == 5
