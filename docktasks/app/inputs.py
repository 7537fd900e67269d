"""What a build and the dev server get of the environment: variables, secrets, and the proxies of the network."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from docktasks.commands import flags
from docktasks.errors import SettingsError
from docktasks.settings import Settings

SECRETS_VARIABLE = "HELLO_DOCK_SECRETS"
"""The variable of the docker process from which BuildKit takes the secrets of a build, as lines for a shell."""

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY", "NO_PROXY")
"""Docker knows these as build arguments that are in no history and in no cache's key, in small letters, too:
https://docs.docker.com/reference/dockerfile/#predefined-args. What ~/.docker/config.json names it adds itself."""

Environ = Mapping[str, str]


def require(settings: Settings, environ: Environ) -> None:
    """Raise SettingsError when a secret or a variable that the settings name is not set."""
    missing = [(name, "build.secrets") for name in settings.build.secrets if not environ.get(name)]
    missing += [(name, "build.env") for name, value in settings.build.env if value is None and name not in environ]
    if missing:
        names = ", ".join(name for name, _ in missing)
        setting = " and ".join(dict.fromkeys(setting for _, setting in missing))
        raise SettingsError(
            f"Not set in the environment: {names}.",
            f"{setting} {'names' if ' and ' not in setting else 'name'} what the build gets. Nothing was built.",
            f"Set it: export {missing[0][0]}=… ; or take it out of {setting}",
        )


def variables(settings: Settings, environ: Environ) -> dict[str, str]:
    """Return the variables of the environment that build.env_prefixes names, without secrets."""
    names = (name for name in sorted(environ) if name.startswith(settings.build.env_prefixes))
    return {name: environ[name] for name in names if name not in settings.build.secrets}


def fixed_variables(settings: Settings, environ: Environ) -> dict[str, str]:
    """Return the variables of build.env. One without a value has that of the environment."""
    return {name: environ.get(name, "") if value is None else value for name, value in settings.build.env}


def names(settings: Settings, environ: Environ, *, for_install: bool = False) -> set[str]:
    """Return the names of the variables and secrets that a build gets, or of those that its installation gets."""
    of_build = {} if for_install else variables(settings, environ)
    return {*of_build, *fixed_variables(settings, environ), *settings.build.secrets}


def build_values(settings: Settings, environ: Environ) -> dict[str, str]:
    """Return the build arguments that hold the variables, as lines for a shell, and the names of the secrets.

    A secret is not in the cache's key, but its name is: a step that had none runs again with it.
    """
    return {
        "INSTALL_ENV": exports(fixed_variables(settings, environ)),
        "BUILD_ENV": exports(variables(settings, environ)),
        "SECRETS": " ".join(settings.build.secrets),
    }


def secret_args(settings: Settings) -> list[str]:
    """Return the argument that gives a build its secrets: as one, because a Dockerfile cannot mount a list of them."""
    return ["--secret", f"id=environment,env={SECRETS_VARIABLE}"] if settings.build.secrets else []


def secret_environ(settings: Settings, environ: Environ) -> dict[str, str]:
    """Return what the environment of the docker process needs for secret_args()."""
    secrets = {name: environ[name] for name in settings.build.secrets if name in environ}
    return {SECRETS_VARIABLE: exports(secrets)} if secrets else {}


def container_args(settings: Settings, environ: Environ) -> list[str]:
    """Return the arguments of `docker container run` that give a container the same variables, secrets and proxies.

    Of build.env the command has the values. Of the rest it has the names only: docker takes the values from its own
    environment, which is the task's. Call require() first.
    """
    names = [*variables(settings, environ), *settings.build.secrets, *proxies(environ)]
    fixed = [f"{name}={value}" for name, value in fixed_variables(settings, environ).items()]
    return flags("--env", *fixed, *names)


def proxies(environ: Environ) -> list[str]:
    """Return the names of the proxies in the environment. Those on this machine's loopback no container reaches."""
    return [name for name in _proxy_names(environ) if not _is_loopback(name, environ[name])]


def proxy_notices(environ: Environ) -> list[str]:
    """Return a notice for each proxy that no container reaches."""
    names = [name for name in _proxy_names(environ) if _is_loopback(name, environ[name])]
    reason = "a container has a loopback of its own. Let the proxy listen on another address of this machine."
    return [f"{', '.join(names)}: not used in containers, because {reason}"] if names else []


def _proxy_names(environ: Environ) -> Iterator[str]:
    for name in PROXIES:
        yield from (spelling for spelling in (name, name.lower()) if environ.get(spelling))


def _is_loopback(name: str, address: str) -> bool:
    host = urlsplit(address if "//" in address else f"//{address}").hostname or ""
    return name.upper() != "NO_PROXY" and (host in ("localhost", "::1") or host.startswith("127."))


def exports(values: Mapping[str, str], separator: str = "\n") -> str:
    """Return the commands of a shell that set these variables."""
    return separator.join(f"export {name}={shlex.quote(value)}" for name, value in values.items())
