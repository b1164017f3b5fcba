"""What the slim build reads off the package's sources: who imports whom, as a need or as a choice."""

import pytest

from atiny.slim.sources import Import, read_package

ROWS = [
    # the source of atiny/lwm2m/room.py, and what it imports: (module, line, whether it is a choice)
    ("from ..errors import AtinyError", [("errors", 1, False)]),
    ("from .. import errors, coap", [("errors", 1, False), ("coap", 1, False)]),
    ("from ..coap import codes, GET", [("coap.codes", 1, False), ("coap", 1, False)]),
    ("from . import other", [("lwm2m.other", 1, False)]),
    ("import atiny.errors, os", [("errors", 1, False)]),
    ("from atiny.coap.codes import GET", [("coap.codes", 1, False)]),
    ("def f():\n    from .other import x", [("lwm2m.other", 2, True)]),
    ("async def f():\n    from .other import x", [("lwm2m.other", 2, True)]),
    ("class A:\n    def f(self):\n        from .other import x", [("lwm2m.other", 3, True)]),
    ("class A:\n    from .other import x", [("lwm2m.other", 2, False)]),
    ("try:\n    from .other import x\nexcept ImportError:\n    pass", [("lwm2m.other", 2, False)]),
    ("if TYPE_CHECKING:\n    from .other import x", []),
    ("if TYPE_CHECKING:\n    from .other import x\nelse:\n    from ..errors import y", [("errors", 4, False)]),
    ("if __debug__:\n    from .other import x", []),
    (
        "if sys.implementation.name == 'micropython':\n    from .other import x\nelse:\n    from ..errors import y",
        [("lwm2m.other", 2, False)],
    ),
    ("from ..cloud import server\nfrom struct import pack", [("cloud.server", 1, False)]),
    ("import other\nfrom aiocoap import Message", []),
]


@pytest.mark.parametrize(("source", "found"), ROWS)
def test_imports(tmp_path, source, found):
    names = ("__init__", "errors", "coap/__init__", "coap/codes", "lwm2m/__init__", "lwm2m/other", "cloud/server")
    for name in names:
        path = tmp_path / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    (tmp_path / "lwm2m" / "room.py").write_text(source)
    package = read_package(tmp_path)
    assert package["atiny.lwm2m.room"].imports == [
        Import(f"atiny.{name}", line, choice) for name, line, choice in found
    ]
    assert set(package) == {
        "atiny", "atiny.errors", "atiny.coap", "atiny.coap.codes",
        "atiny.lwm2m", "atiny.lwm2m.other", "atiny.lwm2m.room",
    }  # fmt: skip


def test_a_package_s_own_file_imports_from_its_folder(tmp_path):
    (tmp_path / "__init__.py").write_text("from . import coap\nfrom .coap import codes")
    (tmp_path / "coap").mkdir()
    (tmp_path / "coap" / "__init__.py").write_text("from . import codes\nfrom .codes import GET")
    (tmp_path / "coap" / "codes.py").write_text("GET = 1")
    package = read_package(tmp_path)
    assert [found.module for found in package["atiny"].imports] == ["atiny.coap", "atiny.coap.codes"]
    assert [found.module for found in package["atiny.coap"].imports] == ["atiny.coap.codes", "atiny.coap.codes"]
    assert package["atiny.coap.codes"].path == "coap/codes.py"


def test_the_package_is_read_whole():
    package = read_package()
    assert {"atiny", "atiny.client", "atiny.lwm2m.formats.tlv", "atiny.adapter.micropython"} <= set(package)
    assert not {"atiny.aio", "atiny.dtls.mbedtls", "atiny.cli", "atiny.slim.sources"} & set(package)
