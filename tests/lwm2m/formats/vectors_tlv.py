"""TLV payloads, byte by byte: the specification's own examples, its limits, and what is not TLV."""

from tests.lwm2m.formats.vectors import B, F, I, L, O, S, T

# OMA LwM2M 1.0, section 6.4.3.1: a Read of /3/0.
DEVICE_HEX = """
C8 00 14                                         # Resource, length of 8 bits | id 0: manufacturer | 20 bytes
    4F 70 65 6E 20 4D 6F 62 69 6C 65 20          # "Open Mobile "
    41 6C 6C 69 61 6E 63 65                      # "Alliance"
C8 01 16                                         # Resource | id 1: model number | 22 bytes
    4C 69 67 68 74 77 65 69 67 68 74 20          # "Lightweight "
    4D 32 4D 20 43 6C 69 65 6E 74                # "M2M Client"
C8 02 09                                         # Resource | id 2: serial number | 9 bytes
    33 34 35 30 30 30 31 32 33                   # "345000123"
C3 03                                            # Resource, 3 bytes | id 3: firmware version
    31 2E 30                                     # "1.0"
86 06                                            # Multiple Resource, 6 bytes | id 6: power sources
    41 00                                        # Resource Instance, 1 byte | id 0
        01                                       # 1: internal battery
    41 01                                        # Resource Instance, 1 byte | id 1
        05                                       # 5: USB
88 07 08                                         # Multiple Resource, length of 8 bits | id 7: voltages | 8 bytes
    42 00                                        # Resource Instance, 2 bytes | id 0
        0E D8                                    # 3800 mV
    42 01                                        # Resource Instance, 2 bytes | id 1
        13 88                                    # 5000 mV
87 08                                            # Multiple Resource, 7 bytes | id 8: currents
    41 00                                        # Resource Instance, 1 byte | id 0
        7D                                       # 125 mA
    42 01                                        # Resource Instance, 2 bytes | id 1
        03 84                                    # 900 mA
C1 09                                            # Resource, 1 byte | id 9: battery level
    64                                           # 100 %
C1 0A                                            # Resource, 1 byte | id 10: memory free
    0F                                           # 15 kB
83 0B                                            # Multiple Resource, 3 bytes | id 11: error code
    41 00                                        # Resource Instance, 1 byte | id 0
        00                                       # 0: no error
C4 0D                                            # Resource, 4 bytes | id 13: current time
    51 82 42 8F                                  # 1367491215
C6 0E                                            # Resource, 6 bytes | id 14: UTC offset
    2B 30 32 3A 30 30                            # "+02:00"
C1 10                                            # Resource, 1 byte | id 16: binding
    55                                           # "U"
"""

DEVICE: list = [
    ((3, 0, 0), "Open Mobile Alliance"),
    ((3, 0, 1), "Lightweight M2M Client"),
    ((3, 0, 2), "345000123"),
    ((3, 0, 3), "1.0"),
    ((3, 0, 6, 0), 1),
    ((3, 0, 6, 1), 5),
    ((3, 0, 7, 0), 3800),
    ((3, 0, 7, 1), 5000),
    ((3, 0, 8, 0), 125),
    ((3, 0, 8, 1), 900),
    ((3, 0, 9), 100),
    ((3, 0, 10), 15),
    ((3, 0, 11, 0), 0),
    ((3, 0, 13), 1367491215),
    ((3, 0, 14), "+02:00"),
    ((3, 0, 16), "U"),
]

# (base, [(path, value), ...], hexadecimal): what encode gives, and what decode takes back to the same.
TLV: list = [
    ((3, 0), DEVICE, DEVICE_HEX),
    # Section 6.4.3.2 A: a Read of /3.
    ((3,), DEVICE, "08 00 79" + DEVICE_HEX),  # Object Instance, length of 8 bits | id 0 | 121 bytes
    (  # Section 6.4.3.2 B: a Read of /2.
        (2,),
        [
            ((2, 0, 0), 1),
            ((2, 0, 1), 0),
            ((2, 0, 2, 127), 7),
            ((2, 0, 3), 127),
            ((2, 2, 0), 3),
            ((2, 2, 1), 0),
            ((2, 2, 2, 127), 7),
            ((2, 2, 2, 310), 1),
            ((2, 2, 3), 127),
        ],
        """
        08 00 0E             # Object Instance | id 0 | 14 bytes
            C1 00 01         # Resource, 1 byte | id 0: object id | 1
            C1 01 00         # Resource, 1 byte | id 1: instance id | 0
            83 02            # Multiple Resource, 3 bytes | id 2: ACL
                41 7F 07     # Resource Instance, 1 byte | id 127 | 7
            C1 03 7F         # Resource, 1 byte | id 3: owner | 127
        08 02 12             # Object Instance | id 2 | 18 bytes
            C1 00 03         # Resource, 1 byte | id 0 | 3
            C1 01 00         # Resource, 1 byte | id 1 | 0
            87 02            # Multiple Resource, 7 bytes | id 2
                41 7F 07     # Resource Instance, 1 byte | id 127 | 7
                61 01 36 01  # Resource Instance, id of 16 bits, 1 byte | id 310 | 1
            C1 03 7F         # Resource, 1 byte | id 3 | 127
        """,
    ),
    (  # Section 6.4.3.2 C: a Read of /1.
        (1,),
        [((1, 0, 0), 1), ((1, 0, 1), 86400), ((1, 0, 6), True), ((1, 0, 7), "U")],
        """
        08 00 0F             # Object Instance | id 0 | 15 bytes
            C1 00 01         # Resource, 1 byte | id 0: short server id | 1
            C4 01            # Resource, 4 bytes | id 1: lifetime
                00 01 51 80  # 86400 s
            C1 06 01         # Resource, 1 byte | id 6: notification storing | true
            C1 07 55         # Resource, 1 byte | id 7: binding | "U"
        """,
    ),
    (  # Section 6.4.3.3, 1: a Read of /65/0.
        (65, 0),
        [((65, 0, 0, 0), (66, 0)), ((65, 0, 0, 1), (66, 1)), ((65, 0, 1), "8613800755500"), ((65, 0, 2), 0x12345678)],
        """
        88 00 0C             # Multiple Resource | id 0 | 12 bytes
            44 00            # Resource Instance, 4 bytes | id 0
                00 42 00 00  # 66:0
            44 01            # Resource Instance, 4 bytes | id 1
                00 42 00 01  # 66:1
        C8 01 0D             # Resource | id 1 | 13 bytes
            38 36 31 33 38 30 30 37 35 35 35 30 30  # "8613800755500"
        C4 02                # Resource, 4 bytes | id 2
            12 34 56 78      # 305419896
        """,
    ),
    (  # Section 6.4.3.3, 2: a Read of /66.
        (66,),
        [
            ((66, 0, 0), "myService 1"),
            ((66, 0, 1), "Internet.15.234"),
            ((66, 0, 2), (67, 0)),
            ((66, 1, 0), "myService 2"),
            ((66, 1, 1), "Internet.15.235"),
            ((66, 1, 2), (65535, 65535)),
        ],
        """
        08 00 26             # Object Instance | id 0 | 38 bytes
            C8 00 0B         # Resource | id 0 | 11 bytes
                6D 79 53 65 72 76 69 63 65 20 31              # "myService 1"
            C8 01 0F         # Resource | id 1 | 15 bytes
                49 6E 74 65 72 6E 65 74 2E 31 35 2E 32 33 34  # "Internet.15.234"
            C4 02            # Resource, 4 bytes | id 2
                00 43 00 00  # 67:0
        08 01 26             # Object Instance | id 1 | 38 bytes
            C8 00 0B         # Resource | id 0 | 11 bytes
                6D 79 53 65 72 76 69 63 65 20 32              # "myService 2"
            C8 01 0F         # Resource | id 1 | 15 bytes
                49 6E 74 65 72 6E 65 74 2E 31 35 2E 32 33 35  # "Internet.15.235"
            C4 02            # Resource, 4 bytes | id 2
                FF FF FF FF  # 65535:65535, the null link
        """,
    ),
    # A resource, and a multiple one.
    ((3, 0, 9), [((3, 0, 9), 100)], "C1 09 64"),
    ((3, 0, 6), [((3, 0, 6, 0), 1), ((3, 0, 6, 1), 5)], "86 06  41 00 01  41 01 05"),
    ((3, 0, 6, 1), [((3, 0, 6, 1), 5)], "41 01 05"),
    # Empty things.
    ((3,), [], ""),
    ((3, 0), [], ""),
    ((3,), [((3, 0), None)], "00 00"),
    ((3442,), [((3442, 0), None), ((3442, 7, S), ""), ((3442, 300), None)], "00 00  02 07 C0 00  20 01 2C"),
    ((3, 0, 6), [((3, 0, 6), {})], "80 06"),
    ((3, 0), [((3, 0, 6), {}), ((3, 0, 7, 0), 1), ((3, 0, 8), {})], "80 06  83 07 41 00 01  80 08"),
    ((3442, 0, O), [((3442, 0, O), b"")], "C0 04"),
    # Two multiple resources side by side, and ids of 16 bits at every level.
    ((3, 0), [((3, 0, 6, 0), 1), ((3, 0, 7, 0), 2)], "83 06 41 00 01  83 07 41 00 02"),
    (
        (3442,),
        [((3442, 256, 300, 65535), "x")],
        """
        27 01 00             # Object Instance, id of 16 bits, 7 bytes | id 256
            A4 01 2C         # Multiple Resource, id of 16 bits, 4 bytes | id 300
                61 FF FF 78  # Resource Instance, id of 16 bits, 1 byte | id 65535 | "x"
        """,
    ),
    # Integers take 1, 2, 4, 8 bytes.
    ((3442, 0, I), [((3442, 0, I), 0)], "C1 01 00"),
    ((3442, 0, I), [((3442, 0, I), 127)], "C1 01 7F"),
    ((3442, 0, I), [((3442, 0, I), -1)], "C1 01 FF"),
    ((3442, 0, I), [((3442, 0, I), -128)], "C1 01 80"),
    ((3442, 0, I), [((3442, 0, I), 128)], "C2 01 00 80"),
    ((3442, 0, I), [((3442, 0, I), -129)], "C2 01 FF 7F"),
    ((3442, 0, I), [((3442, 0, I), 32767)], "C2 01 7F FF"),
    ((3442, 0, I), [((3442, 0, I), -32768)], "C2 01 80 00"),
    ((3442, 0, I), [((3442, 0, I), 32768)], "C4 01 00 00 80 00"),
    ((3442, 0, I), [((3442, 0, I), -32769)], "C4 01 FF FF 7F FF"),
    ((3442, 0, I), [((3442, 0, I), 2147483647)], "C4 01 7F FF FF FF"),
    ((3442, 0, I), [((3442, 0, I), -2147483648)], "C4 01 80 00 00 00"),
    ((3442, 0, I), [((3442, 0, I), 2147483648)], "C8 01 08 00 00 00 00 80 00 00 00"),
    ((3442, 0, I), [((3442, 0, I), -2147483649)], "C8 01 08 FF FF FF FF 7F FF FF FF"),
    ((3442, 0, I), [((3442, 0, I), 9223372036854775807)], "C8 01 08 7F FF FF FF FF FF FF FF"),
    ((3442, 0, I), [((3442, 0, I), -9223372036854775808)], "C8 01 08 80 00 00 00 00 00 00 00"),
    ((3442, 0, T), [((3442, 0, T), 4102444800)], "C8 05 08 00 00 00 00 F4 86 57 00"),
    # The other types.
    ((3442, 0, F), [((3442, 0, F), 21.5)], "C8 02 08 40 35 80 00 00 00 00 00"),
    ((3442, 0, F), [((3442, 0, F), -0.125)], "C8 02 08 BF C0 00 00 00 00 00 00"),
    ((3442, 0, B), [((3442, 0, B), True)], "C1 03 01"),
    ((3442, 0, B), [((3442, 0, B), False)], "C1 03 00"),
    ((3442, 0, O), [((3442, 0, O), b"\x00\xff\xc0")], "C3 04 00 FF C0"),
    ((3442, 0, L), [((3442, 0, L), (3, 0))], "C4 06 00 03 00 00"),
    ((3442, 0, S), [((3442, 0, S), "\u20ac\u00e9\U0001f4a1")], "C8 00 09 E2 82 AC C3 A9 F0 9F 92 A1"),
]

# (base, hexadecimal, [(path, value), ...]): what peers also send.
TLV_DECODE: list = [
    # An instance with its own Object Instance TLV, and an empty one.
    ((3, 0), "08 00 79" + DEVICE_HEX, DEVICE),
    ((3, 0), "00 00", []),
    # Resources for a new instance whose id the device chooses.
    ((3442,), "C1 01 05  86 06 44 00 00 03 00 00", [((3442, None, I), 5), ((3442, None, L, 0), (3, 0))]),
    ((3442,), "80 01", [((3442, None, I), {})]),
    # Floats of 4 bytes.
    ((3442, 0, F), "C4 02 41 AC 00 00", [((3442, 0, F), 21.5)]),
    ((3442, 0, F), "C4 02 C1 AC 00 00", [((3442, 0, F), -21.5)]),
    ((3442, 0, F), "C4 02 80 00 00 00", [((3442, 0, F), -0.0)]),
    ((3442, 0, F), "C4 02 7F 80 00 00", [((3442, 0, F), float("inf"))]),
    ((3442, 0, F), "C4 02 7F 7F FF FF", [((3442, 0, F), 3.4028234663852886e38)]),
    # Integers, ids and lengths longer than they need to be; the low bits beside a length field are not a length.
    ((3442, 0, I), "C8 01 08 FF FF FF FF FF FF FF FE", [((3442, 0, I), -2)]),
    ((3442, 0, I), "E1 00 01 05", [((3442, 0, I), 5)]),
    ((3442, 0, I), "C8 01 01 05", [((3442, 0, I), 5)]),
    ((3442, 0, I), "D0 01 00 01 05", [((3442, 0, I), 5)]),
    ((3442, 0, I), "D8 01 00 00 01 05", [((3442, 0, I), 5)]),
    ((3442, 0, I), "FF 00 01 00 00 01 05", [((3442, 0, I), 5)]),
    # Resource Instances alone, and one of them within its Multiple Resource.
    ((3, 0, 6), "41 00 01 41 01 05", [((3, 0, 6, 0), 1), ((3, 0, 6, 1), 5)]),
    ((3, 0, 6, 1), "83 06 41 01 05", [((3, 0, 6, 1), 5)]),
    # Not in ascending order.
    ((3, 0), "C1 0A 0F C1 09 64", [((3, 0, 10), 15), ((3, 0, 9), 100)]),
    ((3,), "03 01 C1 09 64 03 00 C1 09 63", [((3, 1, 9), 100), ((3, 0, 9), 99)]),
    # Unknown resources and those without a type stay bytes.
    (
        (3442, 0),
        "C2 0A FF FE  84 0B 42 00 AA BB  C1 09 01",
        [((3442, 0, 10), b"\xff\xfe"), ((3442, 0, 11, 0), b"\xaa\xbb"), ((3442, 0, 9), b"\x01")],
    ),
]

# (base, hexadecimal): never a value.
TLV_BAD: list = [
    # Cut short: in the head, in the id, in the length, in the value, within a container.
    ((3442, 0), "C1"),
    ((3442, 0), "E1 01"),
    ((3442, 0), "C8 01"),
    ((3442, 0), "D0 01 00"),
    ((3442, 0), "D8 01 00 00"),
    ((3442, 0), "C1 01"),
    ((3442, 0), "C8 00 02 41"),
    ((3442, 0), "D8 00 FF FF FF 41"),
    ((3442, 0), "82 06 44 00"),
    ((3442,), "02 00 C2 01 00 00"),
    # Trailing bytes.
    ((3442, 0, I), "C1 01 05 00"),
    ((3442, 0, I), "C1 01 05 C1 02 05"),
    # Another id than the one of the path; more than one.
    ((3442, 0, I), "C1 05 05"),
    ((3442, 0), "03 01 C1 01 05"),
    ((3442, 0), "03 00 C1 01 05 03 01 C1 01 05"),
    ((3, 0, 6, 1), "41 00 05"),
    ((3, 0, 6, 1), "41 00 05 41 01 05"),
    ((3, 0, 6, 1), "C1 06 05"),
    ((3, 0, 6, 1), "80 06"),
    ((3, 0, 6, 1), "83 07 41 01 05"),
    ((3, 0, 9), ""),
    ((3, 0, 9, 0), ""),
    # Bad nesting.
    ((3442,), "03 00 C1 01 05 C1 01 05"),
    ((3442,), "C1 01 05 03 00 C1 01 05"),
    ((3442,), "02 00 00 00"),
    ((3442,), "43 00 C1 01 05"),
    ((3442, 0), "05 00 03 00 C1 01 05"),
    ((3442, 0), "41 00 05"),
    ((3442, 0), "82 01 C0 00"),
    ((3442, 0), "82 01 80 00"),
    ((3442, 0), "82 01 00 00"),
    ((3442, 0, I), "03 00 C1 01 05"),
    ((3442, 0, I), "41 00 05 C1 01 05"),
    # The same id twice in one container.
    ((3442, 0), "C1 01 05 C1 01 05"),
    ((3442, 0), "C1 01 05 83 01 41 00 05"),
    ((3442, 0), "C1 01 05 C1 05 05 C1 01 05"),
    ((3442,), "00 00 00 00"),
    ((3442, 0), "00 00 00 00"),
    ((3442, 0, I), "41 01 05 41 00 05 41 01 05"),
    ((3442, 0, I), "86 01 41 00 05 41 00 05"),
    # Values that are not of the type, also where they are instances.
    ((3442, 0), "87 01 42 00 00 05 41 01 05 40 02"),
    ((3442,), "07 00 85 03 41 00 01 40 01"),
    ((3442, 0, 1, 0), "43 00 00 00 05"),
    ((3442, 0, I), "C0 01"),
    ((3442, 0, I), "C3 01 00 00 05"),
    ((3442, 0, I), "C7 01 00 00 00 00 00 00 05"),
    ((3442, 0, I), "C8 01 09 00 00 00 00 00 00 00 00 05"),
    ((3442, 0, T), "C5 05 00 00 00 00 05"),
    ((3442, 0, F), "C0 02"),
    ((3442, 0, F), "C2 02 00 00"),
    ((3442, 0, B), "C0 03"),
    ((3442, 0, B), "C1 03 02"),
    ((3442, 0, B), "C2 03 00 01"),
    ((3442, 0, L), "C3 06 00 03 00"),
    ((3442, 0, L), "C5 06 00 03 00 00 00"),
    ((3442, 0, S), "C1 00 FF"),
    ((3442, 0, S), "C2 00 E2 82"),
    ((3442, 0, S), "C2 00 C0 80"),  # overlong
    ((3442, 0, S), "C3 00 E0 80 80"),  # overlong
    ((3442, 0, S), "C3 00 ED A0 80"),  # a surrogate
    ((3442, 0, S), "C4 00 F5 80 80 80"),  # beyond 10FFFF
    ((3442, 0), "84 00 42 00 C0 80"),
]
