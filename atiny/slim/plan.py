"""What `optimize` is told of a build, and what it gives back."""

from dataclasses import dataclass, field

from ..errors import AtinyError


class SlimError(AtinyError):
    """A source that cannot be built as planned; the message names the file and the line."""


@dataclass
class Plan:
    """What is not in a build.

    ``missing``: dotted modules that are not in it -> the name of the part that they belong to, "": of none.
    ``absent``: the attributes that are None without those parts. ``dropped``: public members that do not exist:
    "Client.go_offline", "atiny_init", "Settings.awake_ms". ``public``: names to keep besides those that `surface`
    finds. ``bundles``: modules that are joined -> the module that they become part of. ``keep_names``: nothing is
    renamed. ``keep_texts``: messages stay as they are.
    """

    missing: "dict[str, str]" = field(default_factory=dict)
    absent: "frozenset[str]" = frozenset()
    dropped: "frozenset[str]" = frozenset()
    public: "frozenset[str]" = frozenset()
    bundles: "dict[str, str]" = field(default_factory=dict)
    keep_names: bool = False
    keep_texts: bool = False


@dataclass
class Result:
    """A build. ``sources``: dotted module -> text; without those that became empty and that nobody imports.

    ``texts``: the number in the build -> (module, line, text) of the source. ``names``: new -> old name, for reading
    tracebacks; a name that means several things has all of them, by "|".
    """

    sources: "dict[str, str]"
    texts: "dict[int, tuple[str, int, str]]"
    names: "dict[str, str]"
