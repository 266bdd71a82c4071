"""Build the environment of every program in a run, without the caller's own variables."""

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
class StubAddress:
    """The stub's ports: TLS with kept, closed or idle-limited connections, and a status page."""

    port: int
    closing_port: int
    idle_port: int
    status_port: int
    ca: str
    host: str = "127.0.0.1"

    def to_environ(self) -> dict[str, str]:
        return {f"BENCH_{name.upper()}": str(getattr(self, name)) for name in self.__slots__}

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> StubAddress:
        texts = {name: environ[f"BENCH_{name.upper()}"] for name in cls.__slots__}
        return cls(
            **{name: int(text) if name.endswith("port") else text for name, text in texts.items()}
        )


def cleaned(home: Path, inherited: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment for a program: no proxies or profiles, only the stub's keys."""
    locale = {name: inherited[name] for name in ("LANG", "TMPDIR") if name in inherited}
    return {
        **locale,
        "PATH": SEARCH_PATH,
        "HOME": str(home),
        # gunicorn creates its control socket here.
        "XDG_RUNTIME_DIR": str(home),
        "PYTHONPATH": str(PROJECT),
        "PYTHONDONTWRITEBYTECODE": "" if _may_write() else "1",
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
    }


def _may_write() -> bool:
    """Return whether byte code may be written; without it, import times include compilation."""
    return not sys.dont_write_bytecode
