"""Certificates for tests, made by openssl: nobody trusts them but who is told to."""

import subprocess

from .processes import WORK


def _openssl(*arguments):
    WORK.mkdir(exist_ok=True)
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=30)


class Pair:
    """The paths of a certificate and of its key."""

    def __init__(self, name):
        self.certificate, self.key = WORK / f"tls-{name}.crt", WORK / f"tls-{name}.key"

    def copy_to(self, other):
        other.certificate.write_bytes(self.certificate.read_bytes())
        other.key.write_bytes(self.key.read_bytes())

    @property
    def text(self):
        return self.certificate.read_text().strip()

    @property
    def settings(self):
        return {"http__tls__certificate": self.certificate, "http__tls__key": self.key}


KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


def self_signed(name, days=60, names="IP:127.0.0.1,DNS:localhost"):
    pair = Pair(name)
    alternative = ["-addext", f"subjectAltName={names}"] if names else []
    _openssl("req", "-x509", *KEY, "-days", days, "-subj", f"/CN={name}", *alternative,
             "-out", pair.certificate, "-keyout", pair.key)  # fmt: skip
    return pair


def signed_by(authority, name, days=60, names="IP:127.0.0.1,DNS:localhost"):
    pair, request, extensions = Pair(name), WORK / f"tls-{name}.csr", WORK / f"tls-{name}.ext"
    extensions.write_text(f"subjectAltName={names}\nextendedKeyUsage=serverAuth\n")
    _openssl("req", *KEY, "-subj", f"/CN={name}", "-out", request, "-keyout", pair.key)
    _openssl("x509", "-req", "-in", request, "-CA", authority.certificate, "-CAkey", authority.key, "-CAcreateserial",
             "-days", days, "-extfile", extensions, "-out", pair.certificate)  # fmt: skip
    return pair
