"""Find the AWS credentials that sign a request.

A route's identity options come in, one set of credentials goes out.
It never writes a key to a log line, an error message or a repr.

They are the route's own keys, those of the environment, or those of botocore's
chain of providers, in this order; see `source.CredentialSource`.
"""

from __future__ import annotations


class Secret(str):
    """A string whose repr hides it: crash reporters show the repr of each local variable."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'...'"


class Credentials:
    """One set of AWS credentials; the repr is `Credentials()`.

    Nothing changes a set, so that no thread signs with the key of one and the
    token of another. It is not a tuple: crash reporters would show its values.
    """

    __slots__ = ("access_key", "secret_key", "session_token")

    def __init__(self, access_key: str, secret_key: str, session_token: str | None = None) -> None:
        self.access_key = access_key
        self.secret_key = Secret(secret_key)
        self.session_token = None if session_token is None else Secret(session_token)

    def __eq__(self, other: object) -> bool:
        # Each request compares its credentials with those of the request before.
        if self is other:
            return True
        return isinstance(other, Credentials) and (
            (self.access_key, self.secret_key, self.session_token)
            == (other.access_key, other.secret_key, other.session_token)
        )

    def __repr__(self) -> str:
        return "Credentials()"
