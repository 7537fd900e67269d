"""The roles of a project's containers, and the labels that name them."""

from __future__ import annotations

from docktasks.labels import LABEL
from docktasks.roles import DEV, HOLDER, PROD, Role

# The other containers of prod. The one that is called "prod" always runs the current release.
CANDIDATE = "prod-candidate"
CARRY = "prod-carry"
NEXT = "prod-next"
PREVIOUS = "prod-previous"
HOLDER_PREVIOUS = "prod-port-previous"
PROD_ROLES = ("prod", HOLDER, CANDIDATE, CARRY, NEXT, PREVIOUS, HOLDER_PREVIOUS)
SHARING_ROLES = ("prod", NEXT)
"""The roles of a release that listens in the port holder's network."""

CONFIG_HASH_LABEL = f"{LABEL}.config-hash"
"""The label that has the config_hash() of a release and its settings (release/run_args.py)."""


def role_of(container_role: str) -> Role:
    """Return the part of the project that a container belongs to, such as PROD for `prod-next`."""
    return DEV if container_role == DEV.name else PROD
