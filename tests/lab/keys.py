"""Self-made keys and certificates: the identity provider's signing key, a small CA and server certificates."""

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

DAYS = 30


@dataclass
class Pair:
    """A private key and its certificate, as objects."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate

    def key_pem(self):
        """The key as PEM bytes."""
        return self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                      serialization.NoEncryption())

    def certificate_pem(self):
        """The certificate as PEM bytes."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def write(self, folder, name):
        """Write name.pem and name.key (0600) into a folder; return both paths."""
        certificate_path, key_path = Path(folder) / f"{name}.pem", Path(folder) / f"{name}.key"
        certificate_path.write_bytes(self.certificate_pem())
        key_path.touch(mode=0o600)
        key_path.write_bytes(self.key_pem())
        return certificate_path, key_path

    @classmethod
    def read(cls, folder, name):
        """Read back what write() wrote."""
        key = serialization.load_pem_private_key((Path(folder) / f"{name}.key").read_bytes(), None)
        return cls(key, x509.load_pem_x509_certificate((Path(folder) / f"{name}.pem").read_bytes()))


def _name(common_name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _alternative(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def make(common_name, names=(), issuer=None, authority=False, days=DAYS):
    """A new pair: self-signed, or signed by issuer; names become subject alternative names."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    now = datetime.datetime.utcnow()
    builder = (x509.CertificateBuilder().subject_name(_name(common_name)).public_key(key.public_key())
               .issuer_name(issuer.certificate.subject if issuer else _name(common_name))
               .serial_number(x509.random_serial_number())
               .not_valid_before(now - datetime.timedelta(hours=1))
               .not_valid_after(now + datetime.timedelta(days=days))
               .add_extension(x509.BasicConstraints(authority, None), True))
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([_alternative(n) for n in names]), False)
    return Pair(key, builder.sign(issuer.key if issuer else key, hashes.SHA256()))
