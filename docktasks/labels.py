"""The labels of our images, containers and volumes."""

from __future__ import annotations

LABEL = "hello-dock"
"""Prefix of our labels: `hello-dock.project` names the project of a container or volume, `hello-dock.role` its role."""

STANDIN_PREFIX = f"{LABEL}-base"
"""The prefix of a stand-in's name. Its label is no proof: images that are built on it inherit the label."""

SHARED = "_shared"
"""The project, in the label, of what all projects of a machine share. No project can have this name."""

RELEASE_LABEL = f"{LABEL}.release"
"""Label on a container: the id of the release that it runs."""

CONFIG_HASH_LABEL = f"{LABEL}.config-hash"
"""Label on a container: the config_hash() of its release and settings (release/run_args.py)."""

BUILT_FOR = f"{LABEL}.built-for"
"""Label on images. Containers carry a different one, because Docker copies an image's labels to every container and
derived image: with one label, other people's containers would look like ours.
"""

SOURCE_MAPS_LABEL = f"{LABEL}.source-maps"
"""On a production image: `public` where it has source maps, because a setting says so."""

INPUTS_LABEL = f"{LABEL}.inputs"
"""On a production image: a digest of the variables, mode and names of secrets that its build got, if it got any."""
