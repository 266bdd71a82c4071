"""Lambda's reply, and the names of AWS's errors."""

from __future__ import annotations

import json
from dataclasses import dataclass

#: The statuses of Invoke where there was no error of Lambda's.
SUCCESSES = (200, 202, 204)
#: Lambda has the function, but cannot run it just now.
NOT_READY = frozenset(
    (
        "CodeArtifactUserPendingException",
        "EC2ThrottledException",
        "ENINotReadyException",
        "ResourceConflictException",
        "ResourceNotReadyException",
        "SnapStartNotReadyException",
    )
)
#: How AWS calls credentials that it does not, or no longer, know.
REFUSED_CREDENTIALS = frozenset(
    (
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
    )
)


@dataclass(frozen=True, slots=True)
class Reply:
    """Lambda's answer: status, headers in their order, the whole body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """Return the first value of ``name`` (in lower case), or "" where there is none."""
        for key, value in self.headers:
            if key.lower() == name:
                return value
        return ""

    @property
    def error_type(self) -> str:
        """The bare name of an API error: header and body may add a namespace or an address."""
        found = self.header("x-amzn-errortype")
        if not found:
            try:
                body = json.loads(self.body)
            except (ValueError, RecursionError):
                body = None
            if isinstance(body, dict):
                found = str(body.get("__type") or body.get("code") or "")
        return found.partition(":")[0].rpartition("#")[2]

    @property
    def is_success(self) -> bool:
        """Tell whether there was no error of Lambda's; the function may have had one."""
        return self.status in SUCCESSES

    @property
    def is_not_ready(self) -> bool:
        """Tell whether Lambda has the function, but cannot run it just now."""
        return self.status >= 400 and self.error_type in NOT_READY

    @property
    def says_later(self) -> bool:
        """Tell whether Lambda did not run the function, and may do so in a moment."""
        return self.status == 429 or self.is_not_ready

    @property
    def refuses_credentials(self) -> bool:
        """Tell whether AWS does not know the credentials, or no longer, so that nothing ran."""
        return self.status == 403 and self.error_type in REFUSED_CREDENTIALS
