"""The device that the DTLS bench measures; on both runtimes: HOST PORT, and a cipher suite for DTLS."""

import sys

import atiny

IDENTITY, KEY = b"bench", b"0123456789abcdef"


def main(host, port, *suites):
    if suites:
        client = atiny.Client("bench", "coaps://%s:%s" % (host, port), psk=(IDENTITY, KEY), ciphers=suites)
    else:
        client = atiny.Client("bench", "coap://%s:%s" % (host, port))
    client.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
