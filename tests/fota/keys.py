"""The tests' key, as the tool takes it: PEM texts, made by the package cryptography."""

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.fota.vectors_signature import D, E, N


def _private() -> rsa.RSAPrivateKey:
    p, q = rsa.rsa_recover_prime_factors(N, E, D)
    rest = rsa.rsa_crt_dmp1(D, p), rsa.rsa_crt_dmq1(D, q), rsa.rsa_crt_iqmp(p, q)
    return rsa.RSAPrivateNumbers(p, q, D, *rest, rsa.RSAPublicNumbers(E, N)).private_key()


def private_pem(key, password: "bytes | None" = None, pkcs1: bool = False) -> bytes:
    hidden = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    form = serialization.PrivateFormat.TraditionalOpenSSL if pkcs1 else serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, hidden)


def public_pem(key, pkcs1: bool = False) -> bytes:
    form = serialization.PublicFormat.PKCS1 if pkcs1 else serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form)


PRIVATE = _private()
PRIVATE_PEM = private_pem(PRIVATE)
PUBLIC_PEM = public_pem(PRIVATE)
