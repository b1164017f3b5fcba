"""What lies between a datagram and CoAP: nothing (`session.Session`), or DTLS by the runtime's library (`psk`)."""
