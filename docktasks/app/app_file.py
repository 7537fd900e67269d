"""The settings that an app brings along: the file hello-dock.yaml in its folder, next to package.json.

It has sections and keys as invoke.yaml has. Its values come before those of invoke.yaml, and after the environment's.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from docktasks import resources
from docktasks.errors import SettingsError
from docktasks.mistyped import closest, did_you_mean
from docktasks.settings import SECTIONS as PARSED_SECTIONS

SECTIONS = (*PARSED_SECTIONS, "api")

NAME = "hello-dock.yaml"
OTHER_NAMES = ("hello-dock.yml", "hello-dock.json")
"""Names under which somebody may look for the file. None of them is read."""

OF_THE_MACHINE = {
    "app.dir": "it names the folder of this file",
    "bases.max_age": "each machine decides when it asks a registry",
    "bases.source": "each machine decides which registries it asks",
    "browser.executable": "an app does not choose which program runs on this machine",
    "build.ca_file": "an app does not choose whom this machine trusts",
}
"""Settings that an app cannot make, each with the reason."""


@dataclass(frozen=True)
class AppFile:
    """The app's settings by section, and the name of their file for messages; no settings where there is no file."""

    label: str = ""
    sections: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, root: Path, app_dir: str, parse: Callable[[str], Any]) -> AppFile:
        """Read the file in the folder `app_dir`; `parse` reads YAML and may raise ValueError. Raises SettingsError."""
        folder = root / app_dir
        label = posixpath.normpath(f"{app_dir}/{NAME}")
        how = f"Correct the file; {resources.shown(root, resources.DEFAULTS)} lists every setting with its default."
        for name in OTHER_NAMES:
            if (folder / name).exists():
                raise SettingsError(
                    f"{folder / name} is not read.", f"An app's settings are in {NAME}.", f"Rename it to {NAME}"
                )
        try:
            sections = parse((folder / NAME).read_text(encoding="utf-8-sig"))
        except (FileNotFoundError, NotADirectoryError):
            return cls()
        except (OSError, ValueError) as error:
            raise SettingsError(f"{label} cannot be read:", "It has this app's settings.", how, str(error)) from error
        if not isinstance(sections, Mapping | None):
            raise SettingsError(f"{label} has no sections.", "It needs lines such as `prod:`.", how, str(sections))
        rows = (sections or {}).items()  # an empty section of ours has no setting yet
        return cls(label, {name: values for name, values in rows if values is not None or name not in SECTIONS})

    @property
    def settings(self) -> dict[str, Mapping[Any, Any]]:
        """The file's sections that hold settings. problems() names the others."""
        return {name: keys for name, keys in self.sections.items() if name in SECTIONS and isinstance(keys, Mapping)}

    def problems(self) -> list[str]:
        """Return a text for each section that is none of ours, and for each setting that an app cannot make."""
        texts = []
        for section, values in self.sections.items():
            if section not in SECTIONS:
                meant = did_you_mean(closest(str(section), SECTIONS))
                texts.append(f"{self.label}: {section} is no section of settings: {', '.join(SECTIONS)}{meant}")
            elif not isinstance(values, Mapping):
                texts.append(f"{self.label}: {section} is {values!r}, but must hold settings")
            else:
                names = [f"{section}.{key}" for key in values if f"{section}.{key}" in OF_THE_MACHINE]
                texts += [f"{self.label}: {name} cannot be set there: {OF_THE_MACHINE[name]}" for name in names]
        return texts

    def origins(self, config: Mapping[str, Any]) -> dict[str, str]:
        """Return the beginning of a message, the file's name, for each key of `config` with a value of the file."""
        return {
            f"{section}.{key}": f"{self.label}: "
            for section, values in self.settings.items()
            for key, value in values.items()
            if isinstance(config[section], Mapping) and config[section].get(key) == value
        }
