"""The floor: a bare Python socket that registers and then answers each GET, or block of a PUT, with a canned reply."""

import socket
import sys

MANUFACTURER = b"Agent_Tiny"
TLV_DEVICE = b"\xc8\x00\x0a" + MANUFACTURER


def main(host: str, port: str) -> None:
    link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    link.connect((host, int(port)))
    query = b"\x47ep=echo\x08lt=86400\x09lwm2m=1.0\x03b=U"
    link.send(b"\x41\x02\x00\x01\x01\xb2rd" + query)
    link.recv(2048)
    reply_text = b"\xff" + MANUFACTURER
    reply_tlv = b"\xc2\x2d\x16\xff" + TLV_DEVICE
    while True:
        request = link.recv(2048)
        end = 4 + (request[0] & 15)
        if request[1] == 3:
            # Behind the options of /5/0/0 and its format: Block1, number and "more" in up to three bytes.
            size = request[end + 8] & 15
            block = request[end + 10 : end + 10 + size]
            code = 0x5F if block[-1] & 8 else 0x44
            link.send(bytes((0x60 | (request[0] & 15), code)) + request[2:end] + bytes((0xD0 | size, 14)) + block)
            continue
        # /3/0/0 has one more segment where /3/0 asks with Accept.
        body = reply_text if request[end + 4 : end + 6] == b"\x010" else reply_tlv
        link.send(bytes((0x60 | (request[0] & 15), 0x45)) + request[2:end] + body)


if __name__ == "__main__":
    main(*sys.argv[1:3])
