"""What every program of a run is given, and nothing that the caller happens to have set."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
SEARCH_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"))

ACCESS_KEY, SECRET_KEY = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Far:
    """Where the stub listens: TLS that keeps connections, closes each, or hangs up when idle."""

    port: int
    closing_port: int
    idle_port: int
    status_port: int
    ca: str
    host: str = "127.0.0.1"

    def to_environ(self) -> dict[str, str]:
        return {f"BENCH_{name.upper()}": str(getattr(self, name)) for name in self.__slots__}

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> Far:
        texts = {name: environ[f"BENCH_{name.upper()}"] for name in cls.__slots__}
        return cls(
            **{name: int(text) if name.endswith("port") else text for name, text in texts.items()}
        )


def cleaned(home: Path, inherited: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment for a program: no proxy, no profile, no key but the stub's."""
    kept = {name: inherited[name] for name in ("LANG", "TMPDIR") if name in inherited}
    return {
        **kept,
        "PATH": SEARCH_PATH,
        "HOME": str(home),
        # Where gunicorn would put its control socket.
        "XDG_RUNTIME_DIR": str(home),
        "PYTHONPATH": str(PROJECT),
        "PYTHONDONTWRITEBYTECODE": "" if _may_write() else "1",
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
    }


def _may_write() -> bool:
    """Tell whether byte code may be kept: without it, import times are those of a compiler."""
    return not sys.dont_write_bytecode
