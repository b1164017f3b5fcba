"""OMA's object definitions (LWM2M.xsd): from the XML of one object to what it says. For ``atiny object``."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from typing import Any

from ..errors import AtinyError

MAX_SIZE = 1 << 20  # bytes; the longest of OMA's registry has less than a tenth of it
MAX_ID = 65535

# The registry's words for a type, in lower case, and the name of atiny's.
TYPES = {
    "string": "STRING",
    "integer": "INTEGER",
    "unsigned integer": "INTEGER",
    "float": "FLOAT",
    "boolean": "BOOLEAN",
    "opaque": "OPAQUE",
    "time": "TIME",
    "objlnk": "OBJLNK",
    "corelnk": "STRING",  # link format, RFC 6690: text
}
OPERATIONS = {"": "", "R": "R", "W": "W", "RW": "RW", "WR": "RW", "E": "E"}

_LICENCE = re.compile(r"^[^\n]*\bCopyright\b.*?POSSIBILITY\s+OF\s+SUCH\s+DAMAGE\.", re.DOTALL | re.MULTILINE)


class DefinitionError(AtinyError):
    """A file that is no definition of one LwM2M object; the message says where and why."""


@dataclass(frozen=True)
class Item:
    """A resource: ``type`` is the name of atiny's type, ``said`` the definition's own word for it."""

    id: int
    name: str
    operations: str
    multiple: bool
    mandatory: bool
    type: str
    said: str
    range: str
    unit: str
    description: str


@dataclass(frozen=True)
class Definition:
    """An object. ``version`` is None for 1.0; ``licence`` the text that the file's comment asks to keep, or ""."""

    id: int
    name: str
    urn: str
    version: str | None
    multiple: bool
    description: str
    items: tuple[Item, ...]
    licence: str


def parse(data: bytes) -> Definition:
    """The definition in an XML file. Raises `DefinitionError`.

    The file may be hostile: its size is bounded, and one with a document type (entities, references to elsewhere) is
    refused before it is parsed.
    """
    if len(data) > MAX_SIZE:
        raise DefinitionError(f"it is longer than {MAX_SIZE} bytes: no definition is")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DefinitionError("it is not UTF-8: save it as such") from None
    # As text, not by the parser: that one would have begun with what comes after. A definition has no use for these.
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise DefinitionError("it has a document type (<!DOCTYPE>), which a definition does not need: remove it")
    builder = _Builder()
    try:
        parser = ElementTree.XMLParser(target=builder)
        parser.feed(text)
        root = parser.close()
    except ElementTree.ParseError as problem:
        raise DefinitionError(f"it is not XML: {problem}") from None
    if _tag(root) != "LWM2M":
        raise DefinitionError(f"it is XML, but no LwM2M object definition: <{_tag(root)}> where <LWM2M> should be")
    objects = [child for child in root if _tag(child) == "Object"]
    if len(objects) != 1:
        found = ", ".join(_text(one, "ObjectID") or "?" for one in objects) or "none"
        raise DefinitionError(f"it has to define one object, and defines {len(objects)} ({found}): one file for each")
    return _object(objects[0], "\n".join(builder.comments))


class _Builder(ElementTree.TreeBuilder):
    """Keeps the comments, wherever they are: the licence stands before the root."""

    def __init__(self) -> None:
        super().__init__()
        self.comments: list[str] = []

    def comment(self, text: str | None, /) -> Any:
        self.comments.append(text or "")
        return super().comment(text)


def _object(element: ElementTree.Element, comment: str) -> Definition:
    object_id = _id(_text(element, "ObjectID"), "<ObjectID>")
    version = _text(element, "ObjectVersion") or "1.0"
    if not re.fullmatch("[0-9][.][0-9]", version):
        raise DefinitionError(f"<ObjectVersion> is {version!r}: two digits, like 1.1, are the form of it")
    items = []
    ids = set()
    for child in (one for part in element if _tag(part) == "Resources" for one in part):
        if _tag(child) != "Item":
            continue
        item = _item(child)
        if item.id in ids:
            raise DefinitionError(f"the resource {item.id} stands there twice")
        ids.add(item.id)
        items.append(item)
    if not items:
        raise DefinitionError(f"the object {object_id} has no resources (<Item> in <Resources>)")
    licence = _LICENCE.search(comment)
    return Definition(
        object_id,
        line(_text(element, "Name")) or f"Object {object_id}",
        line(_text(element, "ObjectURN")),
        None if version == "1.0" else version,
        _one_of(element, "MultipleInstances", "Multiple", "Single", f"the object {object_id}"),
        "\n".join(filter(None, (_text(element, "Description1"), _text(element, "Description2")))),
        tuple(items),
        licence.group() if licence else "",
    )


def _item(element: ElementTree.Element) -> Item:
    item_id = _id(element.get("ID", ""), "the ID of an <Item>")
    where = f"the resource {item_id}"
    operations = OPERATIONS.get(_text(element, "Operations").upper())
    if operations is None:
        raise DefinitionError(f"{where}: <Operations> is {_text(element, 'Operations')!r}, none of R, W, RW, E")
    said = line(_text(element, "Type"))
    kind = "NONE" if operations == "E" else TYPES.get(said.lower())
    if kind is None:
        raise DefinitionError(f"{where}: <Type> is {said!r}, none of {', '.join(sorted(TYPES))}")
    multiple = _one_of(element, "MultipleInstances", "Multiple", "Single", where)
    if multiple and operations == "E":
        raise DefinitionError(f"{where}: what is executed has no value, and so not several")
    return Item(
        item_id,
        line(_text(element, "Name")) or f"Resource {item_id}",
        operations,
        multiple,
        _one_of(element, "Mandatory", "Mandatory", "Optional", where),
        kind,
        said,
        line(_text(element, "RangeEnumeration")),
        line(_text(element, "Units")),
        _text(element, "Description"),
    )


def line(text: str) -> str:
    """A text as one line: white space is one space, and what cannot be seen is white space."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _tag(element: ElementTree.Element) -> str:
    """An element's name, without a namespace."""
    return str(element.tag).rpartition("}")[2]


def _text(element: ElementTree.Element, name: str) -> str:
    """The text of a child, or ""; also what stands between elements in it."""
    for child in element:
        if _tag(child) == name:
            return "".join(child.itertext()).strip()
    return ""


def _id(text: str, what: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", text) or int(text) > MAX_ID:
        raise DefinitionError(f"{what} is {text!r}: it should be a number from 0 to {MAX_ID}")
    return int(text)


def _one_of(element: ElementTree.Element, name: str, true: str, false: str, where: str) -> bool:
    word = _text(element, name).capitalize()
    if word not in (true, false):
        raise DefinitionError(f"{where}: <{name}> is {word!r}, neither {true} nor {false}")
    return word == true
