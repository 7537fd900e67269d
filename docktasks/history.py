"""The releases that ran here: an image each, named by its own id, and their hashed assets in a volume.

A release is remembered once it has served: its image gets the tag <app.name>:<release id>, and the time of that tag is
when it was last released. So nothing has to be written down beside what Docker keeps anyway.
"""

from __future__ import annotations

from docktasks import containers
from docktasks.answers import Image, Run
from docktasks.containers import Release
from docktasks.engine import Engine, NoEngine
from docktasks.errors import StartError
from docktasks.settings import Settings


def released(engine: Engine | NoEngine, settings: Settings) -> list[Image]:
    """The images of the releases that are kept, the last one released first."""
    name = settings.app.name
    tags = {f"{name}:{image.short_id}": image for image in engine.images(name)}
    found = [engine.image(tag) for tag, image in tags.items() if tag in image.tags]
    return sorted((image for image in found if image), key=lambda image: image.tagged.rstrip("Z"), reverse=True)


def earlier(engine: Engine | NoEngine, settings: Settings, current: str, to: str) -> Image:
    """The kept release whose id begins with `to`, or the last one that was released before the current.

    Raises StartError when there is none, or more than one.
    """
    if isinstance(engine, NoEngine):
        return Image(to or "EARLIER")
    others = [image for image in released(engine, settings) if image.short_id != current]
    found = [image for image in others if image.short_id.startswith(to)]
    if len(found) == 1 or (found and not to):
        return found[0]
    if to and current.startswith(to):
        what = f"Release {current} is the current one."
    elif found:
        what = f"More than one release begins with {to}: {', '.join(image.short_id for image in found)}."
    else:
        what = f"There is no earlier release {to}.".replace(" .", ".")
    raise StartError(
        what,
        f"The last {settings.prod.keep} are kept (prod.keep)." if not others else "",
        "See which there are: invoke releases",
    )


def carry(run: Run, settings: Settings, release: Release) -> None:
    """Put the release's hashed assets where every release finds them. Raises StartError."""
    _change(run, settings, release, "add", release.id)


def remembers(settings: Settings, release: Release) -> bool:
    """True when the release was noted, which is the last that is done for one."""
    return f"{settings.app.name}:{release.id}" in release.image.tags


def catch_up(run: Run, engine: Engine | NoEngine, settings: Settings, image_id: str) -> None:
    """Note that a release served whose own task was ended before it came to that."""
    image = engine.image(image_id)
    if image and not remembers(settings, Release(image)):
        # Not looked at: what is to be released does not depend on it.
        run(containers.carry_args(settings, Release(image), "add", image.short_id), quiet=True)
        run(["docker", "image", "tag", image.short_id, f"{settings.app.name}:{image.short_id}"], quiet=True)


def remember(run: Run, engine: Engine | NoEngine, settings: Settings, release: Release) -> list[str]:
    """Note that the release serves, and forget those beyond prod.keep, images and assets; the ids of these."""
    run(["docker", "image", "tag", release.id, f"{settings.app.name}:{release.id}"], quiet=True)
    others = [image.short_id for image in released(engine, settings) if image.short_id != release.id]
    kept, gone = others[: settings.prod.keep - 1], others[settings.prod.keep - 1 :]
    # Also says what the port holder serves should this release be stopped.
    _change(run, settings, release, "keep", release.id, *kept)
    if gone:
        # its own tag only: an image that has another name, or a container, stays
        run(["docker", "image", "rm", *(f"{settings.app.name}:{each}" for each in gone)], quiet=True)
    return gone


def _change(run: Run, settings: Settings, release: Release, *words: str) -> None:
    changed = run(containers.carry_args(settings, release, *words), quiet=True)
    if not changed.ok:
        raise StartError(
            f"The assets of release {release.id} could not be carried over.",
            "Pages of one release ask for the files of another while they change places; what served, serves on.",
            "Mend what Docker says; an image of before there was a carry-over is built anew by invoke run-prod",
            evidence=changed.tail(5),
        )
