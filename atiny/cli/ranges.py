"""The RangeEnumeration of an object definition: which values a resource may have, as a condition in Python."""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST = 72  # characters of a condition or its description; a longer enumeration is left to the reader

_NUMBER = r"[+-]?[0-9]+(?:[.][0-9]+)?"
_PART = re.compile(rf"({_NUMBER})(?:\s*(?:[.]{{2,3}}|-|\u2013|\u2026|to)\s*({_NUMBER}))?")
_LIST = re.compile(r"[0-9]+(?:-[0-9]+){2,}")  # 16-32-48 bytes: three lengths, no range
_BYTES = re.compile(r"\s*(?:bytes?|octets?)$", re.IGNORECASE)

# By the name of atiny's type: what of a value is compared.
_COMPARED = {
    "INTEGER": "{}",
    "TIME": "{}",
    "FLOAT": "{}",
    "STRING": "len({}.encode())",
    "OPAQUE": "len({})",
}


@dataclass(frozen=True)
class Range:
    """``spans``: (lowest, highest) of each part, as Python numbers; the highest is "" where there is none. Of a STRING
    or an OPAQUE it is the size in bytes.
    """

    type: str
    spans: tuple[tuple[str, str], ...]

    @property
    def sized(self) -> bool:
        """Whether it is the size that is bounded."""
        return self.type in ("STRING", "OPAQUE")

    @property
    def max_size(self) -> int | None:
        """The largest size, in bytes, where there is one to speak of."""
        largest = max(int(high) for _, high in self.spans) if self.sized else 0
        return largest or None

    @property
    def needs_check(self) -> bool:
        """Whether ``max_size`` alone does not say it."""
        return self.max_size is None or len(self.spans) > 1 or self.spans[0][0] != "0"

    @property
    def first(self) -> str:
        """The value to begin with: 0 where it is allowed, else the lowest."""
        for low, high in self.spans:
            if float(low) <= 0 <= float(high or "inf"):
                return "0"
        return min((low for low, _ in self.spans), key=float)

    def refuses(self, name: str) -> str:
        """The condition under which the value in the variable ``name`` is not allowed."""
        compared = _COMPARED[self.type].format(name)
        if len(self.spans) == 1:
            low, high = self.spans[0]
            if not high:
                return f"{compared} < {low}"
            return f"{compared} != {low}" if low == high else f"not {low} <= {compared} <= {high}"
        if all(low == high for low, high in self.spans):
            return f"{compared} not in ({', '.join(low for low, _ in self.spans)})"
        parts = [
            f"{compared} == {low}" if low == high else f"{low} <= {compared} <= {high}" for low, high in self.spans
        ]
        return f"not ({' or '.join(parts)})"

    def __str__(self) -> str:
        parts = [low if low == high else f"{low} to {high}" if high else f"{low} or more" for low, high in self.spans]
        return ", ".join(parts) + (" bytes" if self.sized else "")


def parse_range(kind: str, text: str) -> Range | None:
    """The range in a RangeEnumeration; None where there is none, or none that can be understood for sure."""
    text, in_bytes = _BYTES.subn("", text.strip())
    sized = kind in ("STRING", "OPAQUE")
    if not text or kind not in _COMPARED or (in_bytes and not sized):
        return None
    pieces = text.split("-") if _LIST.fullmatch(text) else re.split(r"\s*[,;]\s*", text)
    spans = []
    for piece in pieces:
        match = _PART.fullmatch(piece.strip())
        if match is None:
            return None
        low = _number(match.group(1))
        high = low if match.group(2) is None else _number(match.group(2))
        if float(low) > float(high):
            return None
        if kind != "FLOAT" and ("." in low or "." in high):
            return None
        spans.append((low, high))
    if len(spans) == 1 and pieces[0].strip() == spans[0][0]:
        if not sized:  # a width, or anything: no resource has one value only
            return None
        if kind == "STRING":  # room for so many, as of a buffer
            spans = [("0", spans[0][1])]
    if sized and any(float(low) < 0 for low, _ in spans):
        return None
    found = Range(kind, tuple(spans))
    if max(len(found.refuses("value")), len(str(found))) > LONGEST:
        return None
    return found


def _number(text: str) -> str:
    """A number as Python writes it: no sign +, no leading zeros."""
    if "." not in text:
        return str(int(text))
    return repr(float(text))
