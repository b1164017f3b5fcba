"""From an object definition to the source of a class: what ``atiny object`` prints.

The result needs nothing but ``import atiny`` (and the response codes), stays in the dialect that MicroPython shares,
and is laid out as ``ruff format`` does it at 120 columns.
"""

from __future__ import annotations

import keyword
import re
import textwrap
import unicodedata
from collections.abc import Iterable

from .. import Object
from .definition import Definition, Item, line
from .ranges import Range, parse_range

WIDTH = 120
LONGEST_NAME = 48

# What tools take for an instruction where a comment begins with it.
_PRAGMA = re.compile(
    r"((type|fmt|ruff|mypy|flake8|pylint|pyright|isort|pragma|yapf)\s*:|noqa|nosec|-\*-)", re.IGNORECASE
)
# Quotes that a typesetter made.
_PLAIN = {0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"'}
_ANNOTATIONS = {
    "STRING": "str",
    "INTEGER": "int",
    "FLOAT": "float",
    "BOOLEAN": "bool",
    "OPAQUE": "bytes",
    "TIME": "int",
    "OBJLNK": "tuple[int, int]",
}
_VALUES = {
    "STRING": '""',
    "INTEGER": "0",
    "FLOAT": "0.0",
    "BOOLEAN": "False",
    "OPAQUE": 'b""',
    "TIME": "0",
    "OBJLNK": "(65535, 65535)",  # no object (OMA LwM2M, appendix C)
}


def class_name(definition: Definition) -> str:
    """A name for the class: the object's words, each with a capital."""
    words = re.findall("[A-Za-z0-9]+", _ascii(definition.name))
    name = "".join(word[0].upper() + word[1:] for word in words)[:LONGEST_NAME]
    if not name or name[0].isdigit():
        name = f"Object{name}"
    return f"{name}Object" if keyword.iskeyword(name) else name


def resource_names(items: Iterable[Item]) -> list[str]:
    """A name for each resource: a word, and neither another one's, nor an attribute of Object, nor a keyword."""
    names: list[str] = []
    for item in items:
        name = _word(item.name) or f"resource_{item.id}"
        if name[0].isdigit():
            name = f"resource_{name}"
        if keyword.iskeyword(name) or keyword.issoftkeyword(name) or hasattr(Object, name):
            name = f"{name}_value"
        if name in names:
            name = f"{name}_{item.id}"
        while name in names:
            name = f"{name}_"
        names.append(name)
    # What stays is the name of another resource's method: "Count" and "Read Count".
    methods = [f"{prefix}{name}" for name in names for prefix in ("read_", "check_", "write_", "execute_")]
    return [f"the_{name}" if name in methods else name for name in names]


def source_of(definition: Definition, name: str, origin: str) -> str:
    """The source of the class ``name``; ``origin``: the name of the file that the definition was in."""
    rows = list(zip(definition.items, resource_names(definition.items), strict=True))
    ranges = {item.id: _range(item) for item in definition.items}
    checked = [(item, word, found) for item, word in rows if (found := ranges[item.id]) and _checks(item, found)]
    version = definition.version or "1.0"
    title = f"{definition.name}: object {definition.id}, version {version}. Made by atiny object from {origin}."
    out = [*_docstring(title, title, ""), ""]
    if definition.licence:
        out += [*_comment(f"The descriptions are those of the definition:\n\n{definition.licence}", ""), ""]
    out += ["import atiny"]
    if checked:
        out += ["from atiny.coap import codes"]
    out += ["", "", f"class {name}(atiny.Object):"]
    out += [*_docstring(definition.description, f"{definition.name}.", "    "), ""]
    out += [f"    object_id = {definition.id}"]
    if definition.version is not None:
        out += [f'    version = "{definition.version}"']
    if definition.multiple:
        out += ["    multiple = True  # and creatable = True where servers may Create and Delete instances"]
    out += ["    resources = ("]
    for item, word in rows:
        out += _row(item, word, ranges[item.id])
    out += ["    )"]
    values = [(item, word) for item, word in rows if item.operations != "E"]
    if values:
        out += ["", "    def __init__(self) -> None:"]
        for item, word in values:
            out += [f"        self.{word}{_initial(item, ranges[item.id])}"]
    for item, word, found in checked:
        out += ["", *_check(item, word, found)]
    for item, word in rows:
        if item.operations == "E":
            out += ["", *_execute(item, word)]
    return "\n".join(out) + "\n"


# Names


def _ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def _word(text: str) -> str:
    """``Min Measured Value`` -> ``min_measured_value``; ``SignalSNR`` -> ``signal_snr``; "" where nothing is left."""
    text = re.sub("lwm2m", "lwm2m", _ascii(text), flags=re.IGNORECASE).replace("(s)", "s").replace("'", "")
    text = re.sub("([a-z]{2})([A-Z])", r"\1_\2", text)
    text = re.sub("([A-Z]{2,})([A-Z][a-z]{2})", r"\1_\2", text)
    word = "_".join(re.findall("[a-z0-9]+", text.lower()))
    if len(word) > LONGEST_NAME:
        word = word[: word.rfind("_", 0, LONGEST_NAME) if "_" in word[:LONGEST_NAME] else LONGEST_NAME]
    return word


# Text


def _paragraphs(text: str, width: int) -> list[str]:
    """The lines of a text, each wrapped; empty ones where it has them, but one at most in a row."""
    wrapped: list[str] = []
    for part in (
        text.replace("\u2018", "'").replace("\u2019", "'").replace("\u201c", '"').replace("\u201d", '"').split("\n")
    ):
        lines = [one.rstrip() for one in textwrap.wrap(line(part), width, break_on_hyphens=False)]
        if lines or (wrapped and wrapped[-1]):
            wrapped += lines or [""]
    while wrapped and not wrapped[-1]:
        wrapped.pop()
    return wrapped


def _comment(text: str, indent: str) -> list[str]:
    lines = []
    for part in _paragraphs(text, WIDTH - len(indent) - 4):
        lines.append(f"{indent}# {'* ' if _PRAGMA.match(part) else ''}{part}".rstrip())
    return lines


def _docstring(text: str, fallback: str, indent: str) -> list[str]:
    """``text`` in triple quotes; ``fallback`` where nothing of it can be seen."""
    if not _paragraphs(text, WIDTH):
        text = fallback
    text = text.replace('"""', "'''")
    room = WIDTH - len(indent) - 8  # for the quotes at either end, and spaces that keep others from them
    for width in (room, room // 2):  # the latter where each character needs an escape
        lines = [part.replace("\\", "\\\\") for part in _paragraphs(text, width)]
        if max(map(len, lines)) <= room:
            break
    if lines[0].startswith('"'):
        lines[0] = f" {lines[0]}"
    if len(lines) == 1:
        space = " " if lines[0].endswith('"') else ""
        return [f'{indent}"""{lines[0]}{space}"""']
    return [f'{indent}"""{lines[0]}', *((indent + part).rstrip() for part in lines[1:]), f'{indent}"""']


# Rows


def _range(item: Item) -> Range | None:
    if item.said.lower() == "unsigned integer":
        return parse_range(item.type, item.range) or Range("INTEGER", (("0", ""),))
    return parse_range(item.type, item.range)


def _checks(item: Item, found: Range) -> bool:
    """Whether somebody may write it: a server, or (of what has no operations) a bootstrap server."""
    return item.operations in ("W", "RW", "") and found.needs_check


def _row(item: Item, word: str, found: Range | None) -> list[str]:
    indent = " " * 8
    out = []
    if item.operations != "E":  # there the method has the description
        text = item.description
        if item.range and (found is None or item.operations == "R"):
            text += f"\nRange: {item.range}"
        if len(item.unit) > LONGEST_NAME:
            text += f"\nUnit: {item.unit}"
        if item.said.lower() == "corelnk":
            text += "\nCorelnk: link format, as text."
        out += _comment(text, indent)
    arguments = [str(item.id), f'"{word}"', f"atiny.{item.type}", f'"{item.operations}"']
    if item.multiple:
        arguments.append("multiple=True")
    if item.mandatory:
        arguments.append("mandatory=True")
    if 0 < len(item.unit) <= LONGEST_NAME:
        arguments.append(f"unit={_quoted(item.unit)}")
    if found is not None and found.max_size and item.operations != "R":
        arguments.append(f"max_size={found.max_size}")
    return out + _call(f"{indent}atiny.Resource", arguments, ",")


def _call(head: str, arguments: list[str], tail: str = "") -> list[str]:
    """A call on one line, or else with its arguments on the next, or else one argument a line."""
    joined = ", ".join(arguments)
    one = f"{head}({joined}){tail}"
    if len(one) <= WIDTH:
        return [one]
    indent = head[: len(head) - len(head.lstrip())]
    inner = f"{indent}    {joined}"
    if len(inner) <= WIDTH:
        return [f"{head}(", inner, f"{indent}){tail}"]
    return [f"{head}(", *(f"{indent}    {argument}," for argument in arguments), f"{indent}){tail}"]


def _quoted(text: str) -> str:
    """A str of printable characters; in single quotes only where that saves escapes, as ruff has it."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + text.replace("\\", "\\\\").replace(quote, "\\" + quote) + quote


def _initial(item: Item, found: Range | None) -> str:
    """An attribute's annotation and value: what is mandatory exists, the rest is for the host to set."""
    annotation = _ANNOTATIONS[item.type]
    if item.multiple:
        annotation = f"dict[int, {annotation}]"
    if not item.mandatory:
        return f': "{annotation} | None" = None'
    value = _VALUES[item.type]
    if found is not None and found.first != "0":
        first = found.first
        value = {"STRING": f'"?" * {first}', "OPAQUE": f"bytes({first})"}.get(item.type, first)
    if item.type == "FLOAT" and "." not in value:
        value += ".0"
    return f" = {{0: {value}}}" if item.multiple else f" = {value}"


# Methods


def _check(item: Item, word: str, found: Range) -> list[str]:
    annotation = _ANNOTATIONS[item.type]
    if item.multiple:
        annotation = f'"dict[int, {annotation}]"'
    out = [f"    def check_{word}(self, value: {annotation}) -> None:"]
    out += [f'        """{str(found).capitalize()}."""']
    indent = " " * 8
    tested = "value"
    if item.multiple:
        out += [f"{indent}for one in value.values():"]
        indent += "    "
        tested = "one"
    out += [f"{indent}if {found.refuses(tested)}:"]
    return out + _call(f"{indent}    raise atiny.Rejected", ["codes.BAD_REQUEST", f'"{word} is {_short(found)}"'])


def _short(found: Range) -> str:
    return f"not {found}" if False else str(found)


def _execute(item: Item, word: str) -> list[str]:
    out = [f"    def execute_{word}(self, arguments: str) -> object:"]
    out += _docstring(item.description, f"{item.name}.", " " * 8)
    # Not an answer of ours: the server gets a 5.00, and the host an event that names the method.
    return out + _call(" " * 8 + "raise NotImplementedError", [f'"execute_{word} is not written yet"'])
