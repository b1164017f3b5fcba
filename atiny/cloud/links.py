"""CoRE Link Format (RFC 6690) as LwM2M uses it: object lists of a registration, answers to Discover.

Written for itself, not taken from the device side: the cloud is the device's independent peer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ..errors import CodecError

_PARAMETER = re.compile(r';\s*([A-Za-z0-9!#$&+\-.^_`|~*]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]+)))?')
_TARGET = re.compile(r"\s*<([^<>\s]*)>")
_ENABLER = re.compile(rb'\s*lwm2m\s*=\s*"?[0-9.]+"?\s*(?:,|\Z)')
_NUMBER = re.compile(r"(?:0|[1-9][0-9]{0,4})\Z")


@dataclass(frozen=True)
class Link:
    """One link: ``target`` as it is written, ``attributes`` by name (a flag without a value is "")."""

    target: str
    attributes: dict[str, str] = field(default_factory=dict)

    @property
    def segments(self) -> tuple[str, ...]:
        """The path's parts: ("3", "0") for ``</3/0>``, () for ``</>``."""
        return tuple(part for part in self.target.split("/") if part)


@dataclass(frozen=True)
class ObjectList:
    """What a device registers: its objects and instances.

    ``root``: the segments of the alternate path under which the objects are (OMA 1.0, 6.1), mostly none;
    ``objects``: {object id: [instance ids]}; ``versions``: {object id: "1.1"} where the device names one.
    """

    root: tuple[str, ...] = ()
    objects: dict[int, list[int]] = field(default_factory=dict)
    versions: dict[int, str] = field(default_factory=dict)
    links: tuple[Link, ...] = ()

    def has(self, path: str) -> bool:
        """Whether the device registered the object of ``path`` and, where the path names one, the instance."""
        numbers = [int(part) for part in path.strip("/").split("/") if part]
        if not numbers or numbers[0] not in self.objects:
            return False
        instances = self.objects[numbers[0]]
        return len(numbers) < 2 or not instances or numbers[1] in instances


def parse_links(payload: bytes) -> list[Link]:
    """The links of a payload in application/link-format (40). Raises `CodecError`."""
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        raise CodecError("link-format that is not UTF-8") from None
    links = []
    at = 0
    while text.strip():
        target = _TARGET.match(text, at)
        if target is None:
            raise CodecError(f"no <target> at character {at} of the links")
        at = target.end()
        attributes: dict[str, str] = {}
        while parameter := _PARAMETER.match(text, at):
            name, quoted, bare = parameter.groups()
            attributes[name] = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else bare or ""
            at = parameter.end()
        links.append(Link(target[1], attributes))
        rest = text[at:].lstrip()
        if not rest:
            break
        if rest[0] != ",":
            raise CodecError(f"unexpected {rest[0]!r} at character {at} of the links")
        at = text.index(",", at) + 1
    return links


def parse_bootstrap_links(payload: bytes) -> list[Link]:
    """The links of an answer to Bootstrap Discover (OMA LwM2M 1.0, 5.2.7.3). Raises `CodecError`.

    Before them 1.0 has the version of the enabler, ``lwm2m="1.0",``, which is no link; later versions have ``</>``.
    """
    version = _ENABLER.match(payload)
    return parse_links(payload[version.end() :] if version else payload)


def parse_object_list(payload: bytes) -> ObjectList:
    """The object list of Register and Update (OMA LwM2M 1.0, 5.3.1 and 6.1). Raises `CodecError`."""
    links = parse_links(payload)
    root: tuple[str, ...] = ()
    for link in links:
        if "oma.lwm2m" in link.attributes.get("rt", "").split():
            root = link.segments
    objects: dict[int, list[int]] = {}
    versions: dict[int, str] = {}
    for link in links:
        segments = link.segments
        if segments == root:
            continue
        if segments[: len(root)] != root:
            raise CodecError(f"<{link.target}> is not under the root </{'/'.join(root)}>")
        segments = segments[len(root) :]
        if len(segments) > 2 or not all(_NUMBER.match(part) and int(part) < 65535 for part in segments):
            raise CodecError(f"<{link.target}> is no object and no object instance")
        object_id = int(segments[0])
        instances = objects.setdefault(object_id, [])
        if len(segments) == 2 and int(segments[1]) not in instances:
            instances.append(int(segments[1]))
        if "ver" in link.attributes:
            versions[object_id] = link.attributes["ver"]
    return ObjectList(root, objects, versions, tuple(links))
