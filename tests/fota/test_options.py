"""What a host says about firmware updates, right and wrong."""

import pytest

from atiny.errors import ParameterError
from atiny.fota.options import TRUST_SIZE, FirmwareOptions
from atiny.fota.package import PackageReader
from tests.fota.keys import PUBLIC_PEM
from tests.fota.rig import PLAIN, SIGNED
from tests.fota.vectors_signature import KEY


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"key": "no key"}, "PEM"),
        ({"key": (15, 3)}, "2048"),
        ({"key": PUBLIC_PEM, "accept_raw": True}, "signed"),
        ({"digest": b"short"}, "32 bytes"),
        ({"tries": 0}, "tries"),
        ({"tries": 1.5}, "tries"),
        ({"checkpoint": 0}, "checkpoint"),
        ({"retry_min_s": 0}, "retry_min_s"),
        ({"retry_min_s": 121}, "retry_min_s"),
    ],
)
def test_what_cannot_be_meant(options, text):
    with pytest.raises(ParameterError, match=text):
        FirmwareOptions(**options)


def test_only_by_their_names():
    with pytest.raises(TypeError):
        FirmwareOptions(*[PUBLIC_PEM])


def test_each_reader_is_a_new_one():
    options = FirmwareOptions(key=PUBLIC_PEM, types=iter((0,)))
    assert options.types == (0,)
    for _ in range(2):
        reader = PackageReader(options)
        reader.feed(SIGNED)
        reader.finish()
    reader = PackageReader(FirmwareOptions())
    reader.feed(PLAIN)
    reader.finish()


def test_a_key_is_trusted_in_whatever_form():
    one, other = FirmwareOptions(key=PUBLIC_PEM), FirmwareOptions(key=KEY)
    assert one.trust == other.trust != bytes(TRUST_SIZE)
    third = FirmwareOptions(key=(KEY[0], 3))
    nobody = FirmwareOptions()
    assert len({one.trust, third.trust, nobody.trust, b""}) == 4
    assert (one.signer, nobody.signer) == (KEY, None)
