"""What to do when a registry refuses, by what Docker prints of it."""

from __future__ import annotations

import pytest

from docktasks.images.registry import advice

NAME = "harbour.example:5000/team/app:1.0.0"


@pytest.mark.parametrize(
    ("output", "text"),
    [
        ("no basic auth credentials", "docker login harbour.example:5000"),
        ("unauthorized: authentication required", "docker login"),
        ("denied: requested access to the resource is denied", "docker login"),
        ("error parsing HTTP 403 response body: denied: Your authorization token has expired. Reauthenticate", "login"),
        ("unexpected status from HEAD request to https://a.example/v2/a/manifests/1: 401 Unauthorized", "docker login"),
        ('Get "https://a/v2/": tls: failed to verify certificate: x509: signed by unknown authority',
         "/etc/docker/certs.d/harbour.example:5000/ca.crt"),
        ("http: server gave HTTP response to HTTPS client", "no TLS"),
        ("toomanyrequests: You have reached your pull rate limit", "limits requests"),
        ("received unexpected HTTP status: 500 Internal Server Error", "its disk is full"),
        ("write /blobs/x: no space left on device", "A disk is full"),
        ("dial tcp 127.0.0.1:5446: connect: connection refused", "registry answers"),
        ("dial tcp: lookup harbour.example: no such host", "when the registry answers"),
        ("net/http: request canceled while waiting for connection (Client.Timeout exceeded)", "registry answers"),
        ("unknown: tag 1.0.0 is immutable", "raise"),
        ("name unknown: repository team/app not found", "create the repository"),
        ("something else", "what is reported"),
    ],
)  # fmt: skip
def test_cause_has_its_own_advice(output: str, text: str) -> None:
    """The name of the registry is in it, where it matters."""
    assert text in advice(output, NAME)


def test_image_without_a_host_is_docker_hubs() -> None:
    """A first word without a dot or a port is part of the path."""
    assert advice("denied", "team/app:1").endswith("docker login docker.io")
