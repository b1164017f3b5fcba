"""The tables of tests/lwm2m/formats/vectors*.py, run through the codecs by MicroPython, and those of the attributes:
exits 1 if a row fails.

Run from the project's folder, with that folder on the module path:
MICROPYPATH=. micropython tests/micropython/formats_check.py
"""

import sys

from atiny.errors import CodecError, ParameterError, Rejected
from atiny.lwm2m.attributes import Attributes
from atiny.lwm2m.formats import json, json_syntax, link, opaque, text, tlv
from atiny.lwm2m.types import BOOLEAN, FLOAT, INTEGER, OBJLNK, OPAQUE, STRING, TIME, check
from tests.lwm2m.formats import vectors, vectors_json, vectors_json_syntax, vectors_tlv
from tests.lwm2m.formats.vectors import octets, type_of, typed
from tests.lwm2m.vectors_attributes import BAD, BEFORE, GOOD

rows = 0
failures = 0


def same(expected, run, *args) -> None:
    global rows, failures
    rows += 1
    try:
        found = run(*args)
    except Exception as e:
        found = e
    if found != expected or type(found) is not type(expected):
        failures += 1
        print("FAILED %s%r: expected %r, got %r" % (run.__name__, args, expected, found))


def fails(error, run, *args) -> None:
    global rows, failures
    rows += 1
    try:
        found = run(*args)
    except error:
        return
    except Exception as e:
        found = e
    failures += 1
    print("FAILED %s%r: expected %s, got %r" % (run.__name__, args, error.__name__, found))


for base, values, hexadecimal in vectors_tlv.TLV:
    payload = octets(hexadecimal)
    same(payload, tlv.encode, base, typed(values))
    same(values, tlv.decode, base, payload, type_of)
for base, hexadecimal, values in vectors_tlv.TLV_DECODE:
    same(values, tlv.decode, base, octets(hexadecimal), type_of)
for base, hexadecimal in vectors_tlv.TLV_BAD:
    fails(CodecError, tlv.decode, base, octets(hexadecimal), type_of)

for base, values, payload in vectors_json.JSON:
    same(payload, json.encode, base, typed(values))
    same(values, json.decode, base, payload, type_of)
for base, values, payload in vectors_json.JSON_ENCODE:
    same(payload, json.encode, base, typed(values))
for base, payload, values in vectors_json.JSON_DECODE:
    same(values, json.decode, base, payload, type_of)
for base, payload in vectors_json.JSON_BAD:
    fails(CodecError, json.decode, base, payload, type_of)
for payload, value in vectors_json_syntax.IS_JSON:
    same(value, json_syntax.parse, payload)
for payload in vectors_json_syntax.NOT_JSON:
    fails(CodecError, json_syntax.parse, payload)
    fails(CodecError, json.decode, (3, 0), payload, type_of)
for value in (float("inf"), float("-inf"), float("nan")):
    fails(CodecError, json.encode, (1, 2, 3), [((1, 2, 3), FLOAT, value)])

for rid, value, payload in vectors.TEXT:
    path = (3442, 0, rid)
    same(payload, text.encode, path, typed([(path, value)]))
    same([(path, value)], text.decode, path, payload, type_of)
for rid, payload, value in vectors.TEXT_DECODE:
    path = (3442, 0, rid)
    same([(path, value)], text.decode, path, payload, type_of)
for rid, payload in vectors.TEXT_BAD:
    fails(CodecError, text.decode, (3442, 0, rid), payload, type_of)
for value in (float("inf"), float("-inf"), float("nan")):
    fails(CodecError, text.encode, (1, 2, 3), [((1, 2, 3), FLOAT, value)])

path = (3442, 0, vectors.O)
same(b"\x00\xff", opaque.encode, path, [(path, OPAQUE, b"\x00\xff")])
same([(path, b"\x00\xff")], opaque.decode, path, b"\x00\xff", type_of)
fails(CodecError, opaque.decode, (3442, 0, vectors.I), b"\x00", type_of)

for links, payload in vectors.LINK:
    parsed = [
        (target, {k: v if v is None else text.decimal(v) if type(v) is float else str(v) for k, v in attributes})
        for target, attributes in links
    ]
    same(payload, link.render, links)
    same(parsed, link.parse, payload)
for payload, links in vectors.LINK_PARSE:
    same(links, link.parse, payload)
for payload in vectors.LINK_BAD:
    fails(CodecError, link.parse, payload)


def write(attributes: Attributes, queries: tuple) -> list:
    attributes.write((3303, 0, 5700), [query.encode() for query in queries], FLOAT)
    return attributes.own((3303, 0, 5700))


for queries, own in GOOD:
    same(own, write, Attributes(), queries)
attributes = Attributes()
before = write(attributes, BEFORE)
for queries in BAD:
    fails(Rejected, write, attributes, queries)
    same(before, attributes.own, (3303, 0, 5700))

for kind, value, normal in (
    (STRING, "abc", "abc"),
    (INTEGER, -(2**63), -(2**63)),
    (TIME, 2**63 - 1, 2**63 - 1),
    (FLOAT, 2, 2.0),
    (BOOLEAN, True, True),
    (OPAQUE, bytearray(b"ab"), b"ab"),
    (OPAQUE, memoryview(b"ab"), b"ab"),
    (OBJLNK, (3, 0), (3, 0)),
):
    same(normal, check, kind, value)
for kind, value in (
    (STRING, b"abc"),
    (INTEGER, True),
    (INTEGER, 2**63),
    (INTEGER, 1.0),
    (TIME, False),
    (FLOAT, True),
    (BOOLEAN, 1),
    (OPAQUE, "ab"),
    (OBJLNK, (3, 65536)),
    (OBJLNK, (3, True)),
    (OBJLNK, [3, 0]),
):
    fails(ParameterError, check, kind, value)

print("%d rows, %d failures" % (rows, failures))
sys.exit(1 if failures or rows < 900 else 0)
