"""What the tasks add to the app's configuration of Vite. Without a setting that needs it, Vite is started as always.

preload.cjs in docktasks/images/node/vite/ gives it to Vite's command, whatever script runs that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from docktasks.settings import Settings

VARIABLE = "HELLO_DOCK_VITE"
"""The variable with the options as JSON (config.mjs), in a container and in a build."""

FOLDER = "docktasks/images/node/vite"
"""The folder, from a checkout's root, of what gives the options to Vite."""

POLICY_FOLDER = "docktasks/images/nginx"
"""The folder, in this checkout, of what computes the policy of production (dev.report_policy)."""

HTTPS_FOLDER = "/run/secrets/https"
"""Where the dev container sees the certificate of dev.https and its key."""

CERT, KEY = "cert.pem", "key.pem"

MARK = "/tmp/hello-dock-vite.config.mjs"  # noqa: S108 - the container's own
"""The file that is in a container as soon as Vite's command has got the options."""


def for_dev(settings: Settings, socket_port: int = 0) -> str:
    """Return what the dev server gets; empty for nothing. Pages open their socket at `socket_port`, but for 0."""
    # As nginx passes requests on in production (api-location.conf).
    proxy = {
        _pattern(prefix): {"target": address, "changeOrigin": address.startswith("https:"), "ws": True}
        for prefix, address in ((upstream.prefix, upstream.address) for upstream in settings.api.upstreams)
    }
    policy = {"profile": settings.prod.csp, "sources": settings.prod.csp_sources} if reports_policy(settings) else {}
    files = {"cert": f"{HTTPS_FOLDER}/{CERT}", "key": f"{HTTPS_FOLDER}/{KEY}"}  # which Vite reads
    hmr = {"clientPort": socket_port} if socket_port else {}
    server = {"proxy": proxy, "https": files if settings.dev.https else {}, "hmr": hmr}
    return _as_json({"policy": policy}, server={name: value for name, value in server.items() if value})


def settings_for_dev(settings: Settings) -> str:
    """Return the names of the settings for which the dev server gets something."""
    values = {
        "dev.https": settings.dev.https,
        "dev.report_policy": reports_policy(settings),
        "api": settings.api.upstreams,
    }
    return " and ".join(name for name, value in values.items() if value)


def reports_policy(settings: Settings) -> bool:
    """Return True when dev sends the policy of production as report-only. YAML reads `on` without quotes as true."""
    return settings.dev.report_policy in ("on", "true")


def _pattern(prefix: str) -> str:
    """Return the key of Vite's proxy for a prefix. As plain text /api would be the key of /apiary, too."""
    return f"^{re.escape(prefix)}(?:[/?]|$)"


def for_build(settings: Settings) -> str:
    """Return what a production build gets; empty for nothing."""
    return _as_json({"mode": settings.build.mode, "runtimeEnv": settings.prod.runtime_env})


def _as_json(values: dict[str, Any], **config: Mapping[str, Any]) -> str:
    """Return options of config.mjs and sections of a configuration, such as `server`, as JSON; empty for nothing.

    The same options are the same text, because it is in the key of a build's cache.
    """
    values = values | {"config": {name: section for name, section in config.items() if section}}
    options = {name: value for name, value in values.items() if value or name == "config"}
    return json.dumps(options, separators=(",", ":"), sort_keys=True) if any(values.values()) else ""
