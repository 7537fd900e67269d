"""What nginx is configured to do, also where no request can guess it: the configuration that a copy has loaded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from docktasks.api import Upstream
from docktasks.errors import Skip
from docktasks.resources import table
from docktasks.verify.checks.container.lifecycle import trial_of
from docktasks.verify.probes.nginx_config import PACKAGED, Directive, changes, parse, parse_file
from docktasks.verify.registry import Minor, Note, check
from docktasks.verify.subject import Subject

FOLDER = "/etc/nginx/"
PAGE = "serving/site.conf"
NEVER = "(?!)"
INNER = re.compile("location (?!@unsatisfiable)|if ")
"""Matches a location or an `if`. One location of ours removes headers on purpose."""
RULES: list[list[str]] = table(__file__)["rules"]
"""The name of a directive, the values that a release may have, and what else happens. The first two are patterns."""
DECISIVE = re.compile(
    r"location|if|server\w*|return|rewrite|set|error_page|try_files|internal|allow|deny|satisfy|limit_\w+|auth_\w+"
    r"|add_header|map|geo|types|default_type|user|absolute_redirect|disable_symlinks|real_ip\w*|set_real_ip_from"
)
"""What decides about an answer. Another value of anything else is only less fast, or not as we measured it."""
CREDENTIALS = re.compile(
    r"\$\{?(?:http_(?:authorization|proxy_authorization|cookie|x_(?:api|auth|access|csrf|token)\w*)|cookie_|request_body"
    r"|arg_\w*(?:token|key|pass|secret|code)|sent_http_set_cookie)"
)
LATE_FILES = ["find", "/tmp", "-newer", "/tmp/nginx.pid", "(", "-name", "*.conf", "-o", "-name", "*.js", ")"]  # noqa: S108
"""What a container writes for nginx, it writes before nginx starts. A copy of it lacks what was written later."""


@check("container.configuration", "major", fix="Build again: invoke build-prod. What changes /etc/nginx or /tmp later?")
def configuration(subject: Subject) -> Iterator[str]:
    """nginx runs with what the build wrote: one server for the site's folder, with no other log and way out."""
    listed = subject.project.engine.exec(subject.container.name, LATE_FILES)
    late = (path for path in listed.output.splitlines() if path.startswith("/tmp/"))  # noqa: S108
    yield from (f"{path}: written after nginx has started, which loads it when it is told to reload" for path in late)
    if not listed.ok:
        yield Note(f"what was written later is not known: {listed.tail(1)}")
    output = trial_of(subject).intact.result().configuration
    directives = parse(output)
    if not directives:
        raise Skip(f"nginx -T prints no configuration in a copy of it: {output.strip()[-100:]}")
    dangers = dict(_dangers(subject, directives))
    yield from (f"{directive}: {danger}" for directive, danger in dangers.items())
    yield from (line for line in _changes(subject, directives) if not line.startswith(tuple(map(str, dangers))))


def _dangers(subject: Subject, directives: Sequence[Directive]) -> Iterator[tuple[Directive, str]]:
    upstreams = subject.project.settings.api.upstreams
    servers = [directive for directive in directives if (directive.name, directive.args) == ("server", ())]
    yield from ((server, "it is a second server") for server in servers[1:])
    names = (str(path.relative_to(PACKAGED)) for path in PACKAGED.rglob("*.conf"))
    ours = {directive for name in names for directive in parse_file(name, (PACKAGED / name).read_text())}  # no danger
    for directive in (directive for directive in directives if directive not in ours):
        for allowed, danger in _rules(directive, has_api=bool(upstreams)):
            if not re.fullmatch(allowed, " ".join(directive.args)):
                yield directive, danger
        if CREDENTIALS.search(" ".join(directive.args)) and directive.name not in ("proxy_set_header", "map"):
            yield directive, "it uses what a visitor's request keeps secret"
        is_address = directive.name == "set" and directive.args[:1] in (("$api_address",), ("$api_origin",))
        if is_address and not any(_is_address_of(upstream, directive.args[-1]) for upstream in upstreams):
            yield directive, "the settings name no such API"


def _rules(directive: Directive, *, has_api: bool) -> Iterator[tuple[str, str]]:
    """Yield what the values of the directive may be, and the danger of others."""
    if directive.is_row and directive.name != "include":
        return
    if directive.name == "add_header" and INNER.match("".join(directive.block[-1:])):
        yield NEVER, "it takes the place of all headers of the site"
    for name, allowed, danger in RULES:
        if re.fullmatch(name, directive.name) and not (has_api and name == "resolver"):
            yield allowed, danger


def _is_address_of(upstream: Upstream, text: str) -> bool:
    """True for the upstream's address, also with an IP address, as /etc/hosts has it, in place of its name."""
    before, host, after = upstream.address.partition(upstream.host)
    return bool(re.fullmatch(rf"{re.escape(before)}(?:{re.escape(host)}|[0-9.]+){re.escape(after)}", text))


def _changes(subject: Subject, directives: Sequence[Directive]) -> Iterator[str]:
    """Yield what is not as the layer of the build has it. Without such a layer, as it is in this checkout."""
    layers = (layer.files for layer in subject.contents().layers if f"{FOLDER}{PAGE}" in layer.files)
    files = next(layers, {})
    written: list[Directive] = []
    for name in dict.fromkeys(directive.file for directive in directives):
        file, path = files.get(f"{FOLDER}{name}"), PACKAGED / name
        if file and file.content is not None:
            written += parse_file(name, file.content.decode(errors="replace"))
        elif not files and path.is_file():
            written += parse_file(name, path.read_text(encoding="utf-8"))
    known = {directive.file for directive in written}
    static = (directive for directive in directives if directive.file in known or (files and directive.file[0] != "/"))
    added, lost = changes(static, written)
    names = {(directive.file, directive.block, directive.name) for directive in added}
    gone = [directive for directive in lost if (directive.file, directive.block, directive.name) not in names]
    for words, changed in (("the build wrote another", added), ("the build wrote it, and it is gone", gone)):
        for directive in changed:
            is_decisive = directive.is_row or DECISIVE.fullmatch(directive.name)
            yield (str if is_decisive else Minor)(f"{directive}: {words}")
