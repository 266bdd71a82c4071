"""Make a self-signed certificate for this host with the openssl program."""

from __future__ import annotations

import atexit
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

_CERTIFICATE = """
[req]
prompt = no
distinguished_name = name
x509_extensions = extensions
[name]
CN = localhost
[extensions]
basicConstraints = critical, CA:TRUE
keyUsage = critical, digitalSignature, keyCertSign
subjectKeyIdentifier = hash
subjectAltName = DNS:localhost, IP:127.0.0.1
"""


class OpenSSLMissingError(RuntimeError):
    """The ``openssl`` program is not installed."""


@cache
def certificate() -> tuple[Path, Path]:
    """Return the files of a certificate and its key.

    They are made once for the process, and removed when it exits.
    """
    folder = Path(tempfile.mkdtemp(prefix="lambda-server-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return make_certificate(folder)


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """Write ``cert.pem`` and ``key.pem`` into ``folder``, and return their paths.

    The certificate is for ``localhost`` and 127.0.0.1. Raises `OpenSSLMissingError`.
    """
    program = shutil.which("openssl")
    if program is None:
        raise OpenSSLMissingError("the openssl program is not installed")
    config, cert, key = (folder / name for name in ("req.cnf", "cert.pem", "key.pem"))
    config.write_text(_CERTIFICATE)
    command = [program, "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-sha256", "-days", "30"]
    files = ["-config", str(config), "-out", str(cert), "-keyout", str(key)]
    subprocess.run([*command, *files], check=True, capture_output=True)
    return cert, key
