"""Pulls by https: whom it believes. The authority and the certificates are made here."""

import datetime
import ipaddress
import ssl

import pytest

from tests.adapter.http_files import Files, HttpRig

pytest.importorskip("urllib3")
x509 = pytest.importorskip("cryptography.x509")

from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec  # noqa: E402

NOW = datetime.datetime.now(datetime.timezone.utc)


def certificate(name, issuer=None, host="127.0.0.1", days=1):
    """(certificate, key) of an authority, or of ``host`` where there is an ``issuer``."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    authority, authority_key = issuer or (None, key)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if authority is None else authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - datetime.timedelta(days=30))
        .not_valid_after(NOW + datetime.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
    )
    usage = dict.fromkeys(
        """digital_signature content_commitment key_encipherment data_encipherment key_agreement key_cert_sign crl_sign
        encipher_only decipher_only""".split(),
        False,
    )
    usage["digital_signature"] = True
    usage["key_cert_sign"] = usage["crl_sign"] = issuer is None
    builder = builder.add_extension(x509.KeyUsage(**usage), critical=True)
    if issuer is not None:
        names = [x509.IPAddress(ipaddress.ip_address(host))]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(authority_key, hashes.SHA256()), key


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


class Secure:
    """An authority in a file, and a server with a certificate of it."""

    def __init__(self, folder, **options):
        authority = certificate("authority")
        self.ca_certs = str(folder / "authority.pem")
        (folder / "authority.pem").write_bytes(pem(authority[0]))
        cert, key = certificate("server", authority, **options)
        path = folder / "server.pem"
        path.write_bytes(
            pem(cert)
            + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(path)
        self.files = Files(bytes(range(256)) * 400, tls)
        self.uri = "https://127.0.0.1:%d/lamp.bin" % self.files.port


@pytest.fixture
def make(tmp_path):
    """``make(believed, **options of the certificate)`` gives a rig whose server is secured."""
    rigs = []

    def make(believed=True, **options):
        secure = Secure(tmp_path, **options)
        rig = HttpRig(ca_certs=secure.ca_certs if believed else None)
        rig.plain, rig.files = rig.files, secure.files
        rig.uri = secure.uri
        rigs.append(rig)
        return rig

    yield make
    for rig in rigs:
        rig.plain.close()
        rig.close()


def test_whole_and_gone_on_with(make):
    rig = make()
    rig.files.cut = [50_000]
    rig.start()
    assert rig.run() == (None, True)
    assert rig.receiver.content == rig.files.content
    assert rig.begins() == [0, 50_000]


@pytest.mark.parametrize(
    "options", [{"believed": False}, {"host": "127.0.0.2"}, {"days": -1}], ids=["authority", "name", "expired"]
)
def test_a_server_that_is_not_believed(make, options):
    """Not a byte is asked for."""
    rig = make(**options)
    rig.start()
    error, final = rig.run()
    assert "certificate verify failed" in error
    assert not final, "the device's clock may be wrong now"
    assert rig.files.requests == []
    assert rig.receiver.begins == []


def test_no_redirection_to_http(make):
    rig = make()
    rig.files.answers = [(302, {"Location": "http://127.0.0.1:%d/lamp.bin" % rig.plain.port}, b"")]
    rig.start()
    error, final = rig.run()
    assert "redirected" in error
    assert final
    assert rig.plain.requests == []


def test_a_redirection_to_https(make):
    rig = make()
    rig.uri = "http://127.0.0.1:%d/" % rig.plain.port
    rig.plain.answers = [(302, {"Location": "https://127.0.0.1:%d/lamp.bin" % rig.files.port}, b"")]
    rig.start()
    assert rig.run() == (None, True)
    assert rig.receiver.content == rig.files.content
