"""The operator's own site: what is served, and what is refused."""

import os
from pathlib import Path

import pytest

from components.errors import SettingsError
from components.site_files import SiteFiles, read_site

PICTURE = b"\x89PNG\r\n\x1a\n\x00\xff"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose folder site holds the least that is served."""
    (tmp_path / "site").mkdir()
    for page in ("index.html", "404.html"):
        (tmp_path / "site" / page).write_text(page)
    return tmp_path


def names(site: SiteFiles) -> list[str]:
    return [file.name for file in site.files]


def test_every_file_is_found_with_its_hash_and_its_path_from_the_project(project: Path) -> None:
    (project / "site" / "pictures").mkdir()
    (project / "site" / "pictures" / "plum.png").write_bytes(PICTURE)
    site = read_site(project, "site")
    assert names(site) == ["404.html", "index.html", "pictures/plum.png"]
    assert site.files[2].source == "site/pictures/plum.png"
    # sha256sum of the eight bytes of PNG's signature and two more
    assert site.files[2].sha256 == "d44c4eee8f72efac76c1f294e7260408825c8dad42adaaf6e9bee7e7ef4c7de3"


def test_what_begins_with_a_dot_is_left_out(project: Path) -> None:
    (project / "site" / ".git").mkdir()
    (project / "site" / ".git" / "config").write_text("[remote]")
    (project / "site" / ".env").write_text("KEY=value")
    assert names(read_site(project, "site")) == ["404.html", "index.html"]


def test_the_hash_tells_contents_and_names_and_nothing_else(project: Path) -> None:
    page = project / "site" / "page.html"
    page.write_text("one")
    one = read_site(project, "site").sha256
    os.utime(page, (1, 1))
    (project / "site" / ".draft").touch()
    assert read_site(project, "site").sha256 == one
    page.write_text("two")
    two = read_site(project, "site").sha256
    page.rename(project / "site" / "other.html")
    assert len({one, two, read_site(project, "site").sha256}) == 3


def test_a_link_inside_the_folder_is_the_file_that_it_leads_to(project: Path) -> None:
    (project / "site" / "start.html").symlink_to("index.html")
    site = read_site(project, "site")
    assert names(site) == ["404.html", "index.html", "start.html"]
    assert site.files[1].sha256 == site.files[2].sha256


@pytest.mark.parametrize("target", ["../secret", "/etc/hostname", "nowhere", "folder", ".."])
def test_a_link_out_of_the_folder_to_nothing_or_to_a_folder_is_refused(project: Path, target: str) -> None:
    (project / "secret").write_text("secret")
    (project / "site" / "folder").mkdir()
    (project / "site" / "link").symlink_to(target)
    with pytest.raises(SettingsError, match=r"siteDir is site, but 'link' in it is .*`pulumi config"):
        read_site(project, "site")


@pytest.mark.parametrize("page", ["index.html", "404.html"])
def test_a_site_without_its_first_page_or_its_page_of_errors_is_refused(project: Path, page: str) -> None:
    (project / "site" / page).unlink()
    with pytest.raises(SettingsError, match=f"holds no {page}"):
        read_site(project, "site")


@pytest.mark.parametrize(("folder", "rule"), [
    ("/srv/www", "inside the project"), ("..", "inside the project"), ("site/../..", "inside the project"),
    ("elsewhere", "inside the project"), ("sight", "no such folder"), ("site/index.html", "no such folder"),
    (".", "holds no index.html")])
def test_a_folder_that_is_not_one_inside_the_project_is_refused(project: Path, folder: str, rule: str) -> None:
    (project / "elsewhere").symlink_to("/usr")
    with pytest.raises(SettingsError, match=f"siteDir is {folder}, but .*{rule}"):
        read_site(project, folder)


@pytest.mark.parametrize("limit", [("_MOST_FILES", 2), ("_MOST_MEBIBYTES", 0)])
def test_a_site_that_is_too_large_is_refused(
    project: Path, monkeypatch: pytest.MonkeyPatch, limit: tuple[str, int],
) -> None:
    (project / "site" / "third.html").touch()
    assert len(read_site(project, "site").files) == 3
    monkeypatch.setattr(f"components.site_files.{limit[0]}", limit[1])
    with pytest.raises(SettingsError, match="at most"):
        read_site(project, "site")


def test_a_name_that_no_address_can_show_is_refused(project: Path) -> None:
    (project / "site" / "new\nline.html").touch()
    with pytest.raises(SettingsError, match=r"'new\\nline.html' in it"):
        read_site(project, "site")


def test_the_built_in_site_passes_the_same_checks() -> None:
    assert "style.css" in names(read_site(Path(), "images/caddy/site"))
