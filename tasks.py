"""The tasks: parse, call, report. The logic is in docktasks/, the settings are in invoke.yaml."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from invoke.context import Context
from invoke.tasks import task

from runner import Runner, at_work, ended, settings, told

# docktasks and what it imports (docker, httpx, rich) are imported where they are used: `invoke --list` needs none.
if TYPE_CHECKING:
    from docktasks.release.deploy import Deployment

ROLE = "dev or prod; both when not given"


def report(outcome: Deployment, image: str) -> None:
    """The result line of a build or a run."""
    from rich.filesize import decimal

    for notice in outcome.notices:
        print(f"! {notice}")
    if outcome.image.size:  # not under --dry
        added = f", {decimal(outcome.added)} over its base image" if outcome.added else ""
        print(f"{image}: {decimal(outcome.image.size)}{added}")


@task(help={"browser": "Also make sure of a Chromium, for the browser checks."}, auto_shortflags=False)
def setup(c: Context, browser: bool = False) -> None:
    """Make sure of a Docker engine with BuildKit: install and start one, or say how."""
    from docktasks.housekeeping import setup as housekeeping_setup

    with told():
        configured = settings(c).browser.executable
        print(housekeeping_setup.ensure_engine(Runner(c)))
        if browser:
            print(housekeeping_setup.ensure_browser(Runner(c), configured))


@task
def bases(c: Context) -> None:
    """Build the stand-ins for the base images, and list their versions."""
    from docktasks.images import standins

    with at_work(c) as (run, _, found):
        for wanted, standin in standins.build_all(run, found).items():
            print(f"{standin} stands in for {wanted}")


@task(
    help={
        "detach": "Return once it serves; stop it with `invoke stop`.",
        "open": "Open the app in the browser once it serves.",
        "port": "Publish it on this port of 127.0.0.1 (0: a free one) instead of dev.host_port.",
    },
    auto_shortflags=False,
)
def dev(c: Context, detach: bool = False, open: bool = False, port: str = "") -> None:  # noqa: A002 - the flag is --open
    """Run the app with hot reload in a container, on http://127.0.0.1:3000."""
    from docktasks.dev import foreground, server
    from docktasks.engine.client import DockerEngine

    if port:
        c.config["dev"]["host_port"] = port
    with at_work(c) as (run, engine, found):
        serving = server.up(run, engine, found)
        for notice in serving.notices:
            print(f"! {notice}")
        if not run.dry:
            print(f"Serving with hot reload after {serving.seconds:.1f} s: {serving.url}", flush=True)
            show(serving.url, wanted=open)
        if not detach and isinstance(engine, DockerEngine):
            print("Ctrl-C stops it.", flush=True)
            foreground.follow(run, engine, found, serving)


@task
def npm(c: Context) -> None:
    """Run npm (or the app's pnpm, yarn) in a container: invoke npm -- install x."""
    from docktasks.dev import tools

    with at_work(c) as (run, engine, found):
        ended(tools.attended(run, run.attach, tools.manage(run, engine, found, shlex.split(c.remainder))))


@task(help={"watch": "Go on, and test again what an edit touches."}, auto_shortflags=False)
def test(c: Context, watch: bool = False) -> None:
    """Run the app's own tests in the dev image; what follows -- is theirs."""
    from docktasks.dev import tools

    with at_work(c) as (run, engine, found):
        tool = tools.tests(run, engine, found, shlex.split(c.remainder), watch=watch)
        ended(tools.attended(run, run.attach, tool))


@task
def shell(c: Context) -> None:
    """Open a shell in the running dev container."""
    from docktasks.dev import tools

    with at_work(c) as (run, engine, found):
        ended(run.attach(tools.shell(engine, found)))


@task(auto_shortflags=False)
def build_prod(c: Context) -> None:
    """Build the production image: node builds, nginx serves."""
    from docktasks.release import deploy

    with at_work(c) as (run, engine, found):
        report(deploy.build(run, engine, found), found.image("prod"))


@task(
    help={
        "build": "Build first; --no-build runs the image that was built last.",
        "env": "NAME=VALUE for the page's /env.js; repeatable. Names begin as prod.env_prefixes says.",
        "open": "Open the app in the browser once it serves.",
        "public": "Publish on every address of this machine, not on the loopback alone.",
    },
    iterable=["env"],
    auto_shortflags=False,
)
def run_prod(
    c: Context,
    env: list[str],
    build: bool = True,
    open: bool = False,  # noqa: A002 - the flag is --open
    public: bool = False,
) -> None:
    """Build and run the production image, on http://127.0.0.1:8080; replace what runs without losing a request."""
    from docktasks.app import runtime_config
    from docktasks.release import deploy

    with at_work(c) as (run, engine, found):
        wanted = deploy.RunOptions(build, public, runtime_config.as_json(env, found.prod.env_prefixes))
        if public:
            print("! --public: everyone who reaches this machine reaches the app.")
        released(run, deploy.run_prod(run, engine, found, wanted), found.image("prod"), open=open)


@task(
    help={"to": "A release's id, or its beginning; the one before the current when not given."}, auto_shortflags=False
)
def rollback(c: Context, to: str = "") -> None:
    """Go back to an earlier release, without losing a request."""
    from docktasks.release import deploy

    with at_work(c) as (run, engine, found):
        outcome = deploy.roll_back(run, engine, found, to)
        released(run, outcome, f"release {outcome.image.short_id}")


@task
def releases(c: Context) -> None:
    """List the releases that can be rolled back to."""
    from docktasks.housekeeping import status as housekeeping_status

    with at_work(c) as (_, engine, found):
        housekeeping_status.show_releases(engine, found)


def released(run: Runner, outcome: Deployment, what: str, *, open: bool = False) -> None:  # noqa: A002 - as the flag
    """The result lines of a release."""
    report(outcome, what)
    if not run.dry:
        print(f"{'Serving already' if outcome.unchanged else 'Serving'}: {outcome.url}")
        show(outcome.url, wanted=open)


def show(url: str, *, wanted: bool) -> None:
    """Open the browser, where wanted."""
    if wanted:
        import webbrowser

        webbrowser.open(url)


@task(
    help={
        "list": "List the checks, and make none.",
        "group": "Make the checks of this group alone; repeatable.",
        "only": "Make this check alone, by its id; repeatable.",
        "skip": "Leave this check out; repeatable.",
        "strict": "A check that could not run counts as failed.",
        "url": "Judge this address (no engine needed) instead of the running production container.",
        "image": "Judge this image, running or not.",
        "json": "Also write the verdicts, with all evidence, to this file.",
        "junit": "Also write them as JUnit XML, for a CI system.",
        "html": "Also write them as one HTML page, with what was seen.",
    },
    iterable=["group", "only", "skip"],
    auto_shortflags=False,
)
def verify(
    c: Context,
    group: list[str],
    only: list[str],
    skip: list[str],
    list: bool = False,  # noqa: A002 - the flag is --list
    strict: bool = False,
    url: str = "",
    image: str = "",
    json: str = "",
    junit: str = "",
    html: str = "",
) -> None:
    """Check from outside that what is running is right; exit code 1 when it is not."""
    from docktasks.verify import catalog
    from docktasks.verify import report as verify_report
    from docktasks.verify import run as verify_run

    with told():
        chosen = tuple(catalog.select(group, only, skip))
        if list:
            verify_report.show_checks(chosen)
            return
        files = {form: path for form, path in (("json", json), ("junit", junit), ("html", html)) if path}
        verify_run.verify(Runner(c), settings(c), verify_run.VerifyOptions(chosen, image, url, strict, files))


@task(help={"html": "The page's file; .cache/compare.html when not given."}, auto_shortflags=False)
def compare(c: Context, html: str = "") -> None:
    """Build the app the Docker Handbook's two ways and ours, and show what each costs."""
    from benchmarks import compare

    with told():
        compare.show(Runner(c), settings(c), html)


@task(
    help={
        "topic": "Measure this topic alone; repeatable. benchmarks/topics/ has them.",
        "quick": "As little as shows that the measurement works; the figures mean nothing.",
        "rounds": "How often each contestant is measured.",
        "out": "The folder for results and charts; .cache/bench (-quick) when not given. Other topics' are kept.",
        "docs": "Also write docs/benchmarks.md from all results there are.",
    },
    iterable=["topic"],
    auto_shortflags=False,
)
def bench(
    c: Context, topic: list[str], quick: bool = False, rounds: str = "5", out: str = "", docs: bool = False
) -> None:
    """Measure what this project is worth beside its peers."""
    from benchmarks import bench

    with told():
        bench.bench(Runner(c), settings(c), bench.Wanted(topic, quick, rounds, out, docs))


@task
def status(c: Context) -> None:
    """Show what of this project is running, how it is, and where."""
    from docktasks.housekeeping import status as housekeeping_status

    with at_work(c) as (_, engine, found):
        housekeeping_status.show_status(engine, found)


@task(
    help={
        "role": "dev or prod.",
        "follow": "Go on showing new lines until Ctrl-C.",
        "tail": "Lines from the end.",
    },
    auto_shortflags=False,
)
def logs(c: Context, role: str = "prod", follow: bool = False, tail: str = "100") -> None:
    """Show the log of the production or the dev container."""
    from docktasks.housekeeping import status as housekeeping_status

    with at_work(c) as (run, engine, found):
        housekeeping_status.logs(run, engine, found, role, ["--tail", tail, *(["--follow"] if follow else [])])


@task(help={"role": ROLE}, auto_shortflags=False)
def stop(c: Context, role: str = "") -> None:
    """Stop and remove this project's containers; images and volumes stay."""
    from docktasks import workspace
    from docktasks.housekeeping import cleanup

    with at_work(c) as (run, engine, found), workspace.project_lock(run, found):
        print(cleanup.stop(run, engine, found, role=role))


@task(help={"bases": "Remove the stand-ins for the base images, too."}, auto_shortflags=False)
def clean(c: Context, bases: bool = False) -> None:
    """Remove all that this project made: containers, volumes and images, ours alone."""
    from docktasks import workspace
    from docktasks.housekeeping import cleanup

    with at_work(c) as (run, engine, found), workspace.project_lock(run, found):
        print(cleanup.clean(run, engine, found, bases=bases))
