"""Object definitions, as OMA's registry has them, for the tests of the generator."""

from xml.sax.saxutils import escape

# Texts that would end a docstring, a comment or a line, or tell a tool to look away.
NASTY = [
    '"""',
    '""" + __import__("os").system("false") + """',
    'He said "no"',
    '"no", he said',
    '""',
    "'''",
    "\\",
    "\\" * 300,
    'ends in \\"',
    "\\N{SNOWMAN} \\x \\u12",
    "{0} %s {self}",
    "type: ignore",
    "type: int",
    "fmt: off",
    "noqa",
    "-*- coding: utf-7 -*-",
    "a\u2028import os",
    "a\x85import os",
    "\u202etxet",
    "\u200b",
    "x" * 500,
    "a\n\n\n\nb\n",
    "\n",
    "https://example.com/" + "a" * 200,
]


def item(
    id: object,
    name: str,
    operations: str,
    type: str,
    *,
    many: bool = False,
    must: bool = False,
    range: str = "",
    unit: str = "",
    description: str = "",
) -> str:
    """The XML of a resource."""
    children = {
        "Name": name,
        "Operations": operations,
        "MultipleInstances": "Multiple" if many else "Single",
        "Mandatory": "Mandatory" if must else "Optional",
        "Type": type,
        "RangeEnumeration": range,
        "Units": unit,
        "Description": description,
    }
    return f'<Item ID="{id}">{_elements(children)}</Item>'


def document(
    *items: str,
    id: object = 33000,
    name: str = "Thing",
    version: str = "",
    many: bool = True,
    description: str = "",
) -> bytes:
    """A definition with these resources."""
    children = {
        "Name": name,
        "Description1": description,
        "ObjectID": str(id),
        "ObjectVersion": version,
        "MultipleInstances": "Multiple" if many else "Single",
        "Mandatory": "Optional",
    }
    resources = f"<Resources>{''.join(items)}</Resources>"
    return f'<LWM2M><Object ObjectType="MODefinition">{_elements(children)}{resources}</Object></LWM2M>'.encode()


def _elements(children: "dict[str, str]") -> str:
    return "".join(f"<{name}>{escape(text)}</{name}>" for name, text in children.items())


def xml_allows(data: bytes) -> bytes:
    """Without the characters that XML has no word for."""
    text = data.decode()
    return "".join(c for c in text if c in "\t\n\r" or " " <= c < "\ufffe" or c > "\uffff").encode()
