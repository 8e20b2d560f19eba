"""The operator's own site as files on this machine: found, checked and hashed, in the one place that reads them."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from .checks import refuse

_KEY = "siteDir"
_PAGES = ("index.html", "404.html")
_MOST_FILES = 2000
_MOST_MEBIBYTES = 32
_MEBIBYTE = 1 << 20


@dataclass(frozen=True, kw_only=True)
class SiteFile:
    """One file of a site."""

    name: str
    """Path below the site's folder, with / between its parts."""

    source: str
    """Path from the project's folder."""

    sha256: str


@dataclass(frozen=True, kw_only=True)
class SiteFiles:
    """All files that are served, by name in order."""

    files: tuple[SiteFile, ...]

    @property
    def sha256(self) -> str:
        """Hash over names and contents."""
        pairs = [(file.name, file.sha256) for file in self.files]
        return hashlib.sha256(json.dumps(pairs).encode()).hexdigest()


def read_site(project: Path, site_dir: str) -> SiteFiles:
    """Return the files of the site's folder but those whose path has a part that begins with a dot.

    Raises SettingsError when the folder or something in it cannot be served.
    """
    folder = _folder(project, site_dir)
    found: list[SiteFile] = []
    size = 0
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if any(part.startswith(".") for part in relative.parts) or (path.is_dir() and not path.is_symlink()):
            continue
        _check_file(site_dir, folder, path)
        size += path.stat().st_size
        if len(found) == _MOST_FILES or size > _MOST_MEBIBYTES * _MEBIBYTE:
            refuse(_KEY, site_dir, f"a site has at most {_MOST_FILES} files and {_MOST_MEBIBYTES} MiB")
        found.append(SiteFile(name=relative.as_posix(), source=(Path(site_dir) / relative).as_posix(),
                              sha256=hashlib.sha256(path.read_bytes()).hexdigest()))
    return SiteFiles(files=tuple(found))


def _folder(project: Path, site_dir: str) -> Path:
    folder = project / site_dir
    if Path(site_dir).is_absolute() or not folder.resolve().is_relative_to(project.resolve()):
        refuse(_KEY, site_dir, "it must be a folder inside the project, such as site")
    if not folder.is_dir():
        refuse(_KEY, site_dir, "there is no such folder in the project")
    for page in _PAGES:
        if not (folder / page).is_file():
            refuse(_KEY, site_dir, f"that folder holds no {page}, which every site needs")
    return folder


def _check_file(site_dir: str, folder: Path, path: Path) -> None:
    name = path.relative_to(folder).as_posix()
    # A link's content would be served to everybody, whatever it is that the link leads to.
    if not path.is_file() or not path.resolve().is_relative_to(folder.resolve()):
        refuse(_KEY, site_dir, f"{name!r} in it is no file, or a link that leads out of it")
    if not name.isprintable():
        refuse(_KEY, site_dir, f"{name!r} in it is no name that can be printed")
