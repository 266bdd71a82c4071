"""Clients and credentials, shared by the routes whose options are equal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from wsgi_lambda.credentials.source import CredentialSource
from wsgi_lambda.invoke.client import LambdaClient
from wsgi_lambda.options import Route, Transport

Shared = TypeVar("Shared")


class Connections:
    """One client for each Lambda endpoint, and one source for each identity.

    Opens nothing and looks nothing up: both happen at the first request of a
    process.
    """

    def __init__(self) -> None:
        self._clients: dict[Transport, LambdaClient] = {}
        self._sources: dict[object, CredentialSource] = {}
        self._shared: dict[object, Any] = {}

    def client(self, transport: Transport) -> LambdaClient:
        """Return the client of an endpoint; equal connection options share one."""
        if transport not in self._clients:
            self._clients[transport] = LambdaClient(transport)
        return self._clients[transport]

    def credentials(self, route: Route) -> CredentialSource:
        """Return the credentials of a route; equal identities share one source."""
        region = route.target.aws_region
        proxy = Transport(proxy_url=route.transport.proxy_url)  # no repr shows its password
        key = (route.identity, region, proxy)
        if key not in self._sources:
            self._sources[key] = CredentialSource(
                route.identity, region=region, proxy_url=proxy.proxy_url
            )
        return self._sources[key]

    def shared(self, key: object, make: Callable[[], Shared]) -> Shared:
        """Return the object of ``key``, which the first route that needs it makes."""
        if key not in self._shared:
            self._shared[key] = make()
        found: Shared = self._shared[key]
        return found

    def snapshot(self) -> list[dict[str, Any]]:
        """Return the state of each client."""
        return [client.snapshot() for client in self._clients.values()]

    def close(self) -> None:
        """Close the open connections of this process."""
        for client in self._clients.values():
            client.close()
