"""What the package holds in another form than its source has: messages for gettext, and tables that read fast."""

from __future__ import annotations

import json
import tomllib
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PackageFiles(BuildHookInterface):  # type: ignore[misc]  # hatchling ships no type information
    """Hatchling hook: one .mo beside each .po and, in a wheel that is installed as it is, one .json beside each .toml.

    An editable install reads the .toml themselves (`torchup.data_files`), since they may be edited.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile every catalogue below the package, fuzzy entries left out, and every table."""
        for source in Path(self.root, "src", "torchup", "i18n", "locale").rglob("*.po"):
            with source.open("rb") as file:
                catalogue = read_po(file)
            with source.with_suffix(".mo").open("wb") as file:
                write_mo(file, catalogue)
        self._folder = TemporaryDirectory()
        if self.target_name == "wheel" and version == "standard":
            build_data["force_include"].update(self._tables())

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was written for this build alone."""
        del version, build_data, artifact_path
        self._folder.cleanup()

    def _tables(self) -> dict[str, str]:
        """The file of each table -> where it goes in the wheel."""
        source, places = Path(self.root, "src"), {}
        for table in (source / "torchup").rglob("*.toml"):
            place = table.relative_to(source).with_suffix(".json")
            written = Path(self._folder.name, place)
            written.parent.mkdir(parents=True, exist_ok=True)
            written.write_text(as_json(table.read_text("utf-8")), "utf-8")
            places[str(written)] = place.as_posix()
        return places


def as_json(table: str) -> str:
    """A TOML table as JSON; dates as msgspec reads them."""
    return json.dumps(tomllib.loads(table), ensure_ascii=False, separators=(",", ":"), default=date.isoformat)
