"""The roles of the containers of a project, and the labels that name them."""

from __future__ import annotations

from docktasks.settings import LABEL

CONTAINER_PORT = {"prod": 80, "dev": 3000}

# The roles of production, beside "prod" itself, which is always the current release.
HOLDER = "prod-port"
CANDIDATE = "prod-candidate"
CARRY = "prod-carry"
NEXT = "prod-next"
PREVIOUS = "prod-previous"
HOLDER_PREVIOUS = "prod-port-previous"
PROD_ROLES = ("prod", HOLDER, CANDIDATE, CARRY, NEXT, PREVIOUS, HOLDER_PREVIOUS)

CONFIG_HASH_LABEL = f"{LABEL}.config-hash"
"""The label with a release's run_id()."""
