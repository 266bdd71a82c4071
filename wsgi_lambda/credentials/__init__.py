"""Find the AWS credentials that sign a request.

A route's identity options come in, one set of credentials goes out.
It never writes a key to a log line, an error message or a repr.

They are the route's own keys, those of the environment, or those of botocore's
chain of providers, in this order; see `source.CredentialSource`.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Credentials:
    """One set of AWS credentials; the repr is `Credentials()`."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
