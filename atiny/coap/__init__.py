"""CoAP over datagrams (RFC 7252, RFC 7959): codec, message exchange, block-wise transfer. Sans-I/O; knows no LwM2M."""
