from __future__ import annotations

import pytest

from docktasks.images.references import familiar

DIGEST = f"sha256:{'0' * 64}"


@pytest.mark.parametrize(
    ("reference", "listed"),
    [
        ("node", "node:latest"),
        ("node:lts-alpine", "node:lts-alpine"),
        ("library/node", "node:latest"),
        ("docker.io/node", "node:latest"),
        ("docker.io/library/node:lts-alpine", "node:lts-alpine"),
        ("index.docker.io/library/node:lts-alpine", "node:lts-alpine"),
        ("index.docker.io/nginxinc/nginx-unprivileged", "nginxinc/nginx-unprivileged:latest"),
        ("nginxinc/nginx-unprivileged:1", "nginxinc/nginx-unprivileged:1"),
        ("docker.io/library/a/b", "library/a/b:latest"),
        ("registry-1.docker.io/library/node:26", "registry-1.docker.io/library/node:26"),
        ("ghcr.io/shop/library/node", "ghcr.io/shop/library/node:latest"),
        ("ghcr.io/library/node", "ghcr.io/library/node:latest"),
        ("localhost/node", "localhost/node:latest"),
        ("localhost:5000/node", "localhost:5000/node:latest"),
        ("localhost:5000/node:26", "localhost:5000/node:26"),
        ("[::1]:5000/node:26", "[::1]:5000/node:26"),
        ("mirror:443/docker.io/library/node:26", "mirror:443/docker.io/library/node:26"),
        ("MIRROR/node:26", "MIRROR/node:26"),
        (f"node@{DIGEST}", f"node@{DIGEST}"),
        (f"node:26@{DIGEST}", f"node@{DIGEST}"),
        (f"docker.io/library/node:26@{DIGEST}", f"node@{DIGEST}"),
        (f"localhost:5000/node:26@{DIGEST}", f"localhost:5000/node@{DIGEST}"),
    ],
)
def test_familiar_reference_is_the_one_that_the_engine_lists(reference: str, listed: str) -> None:
    """It is the same for all spellings of one name, and stays the same when it is made familiar again."""
    assert familiar(reference) == listed
    assert familiar(listed) == listed
