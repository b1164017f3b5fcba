import pytest

from atiny.lwm2m import formats
from atiny.lwm2m.formats import json, opaque, text, tlv


def test_numbers_are_the_registered_ones():
    assert (formats.TEXT, formats.LINK, formats.OPAQUE, formats.TLV, formats.TLV_LEGACY) == (0, 40, 42, 11542, 1542)
    assert (formats.JSON, formats.JSON_LEGACY) == (11543, 1543)


@pytest.mark.parametrize(
    ("content_format", "module"),
    [
        (0, text),
        (42, opaque),
        (11542, tlv),
        (1542, tlv),
        (11543, json),
        (1543, json),
        (40, None),  # links describe paths, they carry no values
        (50, None),
        (65535, None),
    ],
)
def test_codec(content_format, module):
    assert formats.codec(content_format) == (module and (module.encode, module.decode))


def test_every_codec_has_both_directions():
    for content_format in range(65536):
        found = formats.codec(content_format)
        assert found is None or [callable(one) for one in found] == [True, True]
