import re

import pytest
from flask.testing import FlaskClient

from tests.admin.panel_file import PATH
from tests.admin.people import Browser


@pytest.mark.parametrize("path", ["", "/"])
def test_the_first_page_is_served_with_and_without_the_slash_as_caddy_forwards_both(
    reader: Browser, path: str,
) -> None:
    answer = reader.get(path)
    assert (answer.status_code, answer.mimetype) == (200, "text/html")


def test_a_page_has_nothing_that_the_policy_forbids(client: FlaskClient, owner: Browser) -> None:
    for text in (client.get(PATH + "/login").text, *(owner.get(path).text for path in ("/", "/users", "/users/new"))):
        assert re.findall(r"<style\b|\sstyle=|\son\w+=|<script(?! src=)|javascript:", text) == []


def test_pages_fit_phones_and_follow_the_devices_colours(client: FlaskClient) -> None:
    text = client.get(PATH + "/login").text
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in text
    style = client.get(PATH + "/static/panel.css", buffered=True).text
    assert "@media (prefers-color-scheme: dark)" in style


def test_every_file_that_a_page_loads_is_there(client: FlaskClient) -> None:
    text = client.get(PATH + "/login").text
    files = re.findall(r'<(?:link|script)[^>]*?(?:href|src)="(.*?)"', text)
    assert {file.rpartition(".")[2] for file in files} == {"css", "js", "svg"}
    assert {client.get(file, buffered=True).status_code for file in files} == {200}


@pytest.mark.parametrize("path", [
    "/", "//", "/index.html", "/favicon.ico", "/static/panel.css", "/login", "/robots.txt",
    PATH[:-1], PATH[:-1] + "/", PATH + "x", PATH.upper(), "/x" + PATH, "/" + PATH, "/health/", "/health/x",
])
def test_a_wrong_path_gets_404_in_plain_words(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.text, answer.mimetype) == (404, "Not Found\n", "text/plain")


@pytest.mark.parametrize("name", [
    "../config.py", "%2e%2e/config.py", "..%2fconfig.py", "/etc/passwd", "//etc/passwd", "", "."])
def test_only_files_of_the_static_folder_are_served(client: FlaskClient, name: str) -> None:
    # What is no address of a file is a page like any other, which a stranger must sign in for.
    assert client.get(f"{PATH}/static/{name}").status_code in (303, 404)


def test_health_is_ok_as_json(client: FlaskClient) -> None:
    answer = client.get("/health")
    assert (answer.status_code, answer.mimetype, answer.json) == (200, "application/json", {"status": "ok"})
