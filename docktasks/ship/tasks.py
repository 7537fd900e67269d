"""The tasks that give a registry the image, and say what is in it."""

from __future__ import annotations

from invoke.context import Context
from invoke.tasks import task

from docktasks.app.session import session
from docktasks.release.tasks import rollback


@task(
    help={
        "to": "The repository, such as registry.example/team/app, instead of ship.image.",
        "tag": "Only this tag: revision, version or latest; repeatable. Default: all three.",
        "immutable": "Refuse to move a revision or version that the registry has.",
        "platforms": "Build for these, such as linux/amd64,linux/arm64, in place of build.platforms.",
        "record": "The file that says what was pushed.",
        "sign": "Sign it with cosign, and attach SBOM, VEX, provenance and the results of verify.",
        "key": "The private key: a file, or the address of a KMS. Without it cosign asks an identity provider.",
    },
    iterable=["tag"],
)
def push(
    c: Context,
    tag: list[str],
    to: str = "",
    immutable: bool = False,
    platforms: str = "",
    record: str = "release.json",
    sign: bool = False,
    key: str = "",
) -> None:
    """Build the production image, check it, and push it to a registry."""
    from docktasks import output_files
    from docktasks.release.output import print_build
    from docktasks.ship import push as pushing
    from docktasks.ship.keys import Key

    with session(c) as project:
        output_files.require_writable(record=record)
        signing_key = Key.parse(key) if sign or key else None
        pushed = pushing.push(project, pushing.PushOptions(to, tag, immutable, record, platforms, signing_key))
        print_build(pushed.build, pushed.repository)
        print(f"Pushed: {pushed.image.reference} ({', '.join(pushed.tags)})")


@task(help={"out": "The folder for sbom.cdx.json and vex.cdx.json. It has to exist."})
def sbom(c: Context, out: str = ".") -> None:
    """Write an SBOM and a VEX: what is in the image, and what is not."""
    from docktasks.ship import documents

    with session(c) as project:
        paths = documents.write(project, out)
        if not project.dry:
            print(f"SBOM: {paths[0]}\nVEX: {paths[1]}")


TASKS = [rollback, push, sbom]
