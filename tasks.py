"""The four tasks that hello-dock is for. The logic is in docktasks/, the settings are in invoke.yaml."""

from __future__ import annotations

import webbrowser
from pathlib import Path

from invoke.context import Context
from invoke.tasks import task

from docktasks import resources
from docktasks.app import collection
from docktasks.app.session import session
from docktasks.dev import tasks as development
from docktasks.fleet import tasks as fleet
from docktasks.housekeeping import tasks as housekeeping
from docktasks.ship import tasks as shipping


@task(
    help={
        "detach": "Return as soon as it serves. Stop it with `invoke stop`.",
        "open": "Open the app in the browser as soon as it serves.",
        "port": "The port on 127.0.0.1, instead of dev.host_port. 0 takes a free one.",
    },
)
def dev(c: Context, detach: bool = False, open: bool = False, port: str = "") -> None:  # noqa: A002 - the flag is --open
    """Run the app with hot reload, on http://127.0.0.1:3000."""
    from docktasks.dev import foreground, server
    from docktasks.progress import print_notices

    with session(c, {"dev": {"host_port": port}}, attended=True) as project:
        dev_server = server.up(project)
        print_notices(dev_server.notices)
        if project.dry:
            return
        print(f"Serving with hot reload: {dev_server.url}" + ("" if detach else "\nCtrl-C stops it."), flush=True)
        if open:
            webbrowser.open(dev_server.url)
        if not detach:
            foreground.follow(project, dev_server)


@task(help={"source_maps": "Also write the source maps, which no image has, into this folder."})
def build_prod(c: Context, source_maps: str = "") -> None:
    """Build the production image: node builds, nginx serves."""
    from docktasks.release import build
    from docktasks.release.output import print_build

    with session(c) as project:
        print_build(build.build_prod(project, source_maps), project.settings.image("prod"))


@task(
    help={
        "build": "Build first. --no-build runs the image that was built last.",
        "image": "Run this image of a registry, and build none.",
        "force_recreate": "Replace what runs, although neither the image nor a setting has changed.",
        "env": "NAME=VALUE for the page's /env.js; repeatable. Without it, the page keeps what it has.",
        "no_env": "Remove the page's configuration.",
        "gate": "Check the release before it takes over. --no-gate skips that.",
        "open": "Open the app in the browser as soon as it serves.",
        "port": "The port, instead of prod.host_port. 0 takes a free one.",
        "public": "Publish on every address of this machine, not only on 127.0.0.1.",
    },
    iterable=["env"],
)
def run_prod(
    c: Context,
    env: list[str],
    build: bool = True,
    gate: bool = True,
    open: bool = False,  # noqa: A002 - the flag is --open
    port: str = "",
    public: bool = False,
    no_env: bool = False,
    image: str = "",
    force_recreate: bool = False,
) -> None:
    """Build and run the production image, on http://127.0.0.1:8080."""
    from docktasks.app import runtime_config
    from docktasks.release import deploy
    from docktasks.release.output import print_deployment

    with session(c, {"prod": {"host_port": port}}) as project:
        config = runtime_config.chosen(env, project.settings.prod, remove=no_env)
        deployment = deploy.run_prod(project, deploy.RunOptions(build, public, config, gate, image, force_recreate))
        page = print_deployment(project, deployment, image or project.settings.image("prod"))
        if open and page:
            webbrowser.open(page)


@task(
    help={
        "list": "List the checks, and run none.",
        "group": "Run only the checks of this group; repeatable.",
        "only": "Run only this check, by its id; repeatable.",
        "skip": "Leave this check out; repeatable.",
        "fail-on": "The least fault that fails: minor, major (default) or critical.",
        "strict": "Count a check that could not look at its subject as failed.",
        "url": "Check this address, without an engine. With --image or --revision: repeatable.",
        "image": "Check this image. It need not run. With --url: what is served has to be this image, byte for byte.",
        "revision": "With --url: what is served has to be what this commit gives, which is built again.",
        "attested": "Prove signature, SBOM, VEX and provenance of --image, name@sha256:…, by --key.",
        "key": "The public key: a file, the address of a KMS, or https://ISSUER,IDENTITY.",
        "json": "Also write the verdicts, with all evidence, to this file.",
        "junit": "Also write the verdicts as JUnit XML, for a CI system.",
        "html": "Also write the verdicts as one HTML page, with pictures.",
    },
    iterable=["group", "only", "skip", "url"],
)
def verify(
    c: Context,
    group: list[str],
    only: list[str],
    skip: list[str],
    url: list[str],
    list: bool = False,  # noqa: A002 - the flag is --list
    strict: bool = False,
    fail_on: str = "major",
    image: str = "",
    revision: str = "",
    attested: bool = False,
    key: str = "",
    json: str = "",
    junit: str = "",
    html: str = "",
) -> None:
    """Check what is running, from outside. Exit code 1 if it fails."""
    from docktasks import output_files
    from docktasks.verify import catalog, report, run

    with session(c, needs_app=bool(revision) or not (url or image)) as project:
        reports = output_files.require_writable(json=json, junit=junit, html=html)
        named = {*group, *(check_id.partition(".")[0] for check_id in only)}
        options = run.VerifyOptions(catalog.select(group, only, skip), image, "".join(url[:1]), named, strict, fail_on)
        if attested:
            from docktasks.ship import proofs

            print(proofs.report(project, image, key))
        elif revision or len(url) > 1 or (url and image):
            from docktasks.ship import comparison

            is_alone = not (group or only or skip or list or strict or reports)
            print(comparison.compare(project, url, image, revision, is_alone=is_alone))
        elif list:
            report.show_checks(options.checks)
        elif project.dry:
            print(run.dry_notice(project, options))
        else:
            verify_run = report.show_and_write(run.verify(project, options), reports, quiet=project.progress.quiet)
            run.require_passed(verify_run)


ALL = [dev, build_prod, run_prod, verify, *development.TASKS, *shipping.TASKS, *fleet.TASKS, *housekeeping.TASKS]
if resources.is_checkout(Path(__file__).parent):  # the package has no benchmarks
    from benchmarks import tasks as measurement

    ALL += [measurement.compare, measurement.bench]
namespace = collection.compose(ALL)
