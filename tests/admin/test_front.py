import re

import pytest
from flask.testing import FlaskClient

from tests.admin.panel_file import PATH


@pytest.mark.parametrize("path", [PATH, PATH + "/"])
def test_the_page_is_served_with_and_without_the_slash_as_caddy_forwards_both(
    client: FlaskClient, path: str,
) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.mimetype == "text/html"


def test_the_page_says_that_there_are_no_functions_yet(client: FlaskClient) -> None:
    paragraphs = re.findall(r"<p>(.*?)</p>", client.get(PATH + "/").text)
    assert paragraphs == ["The panel has no functions yet in this version, so there is nothing to sign in to."]


def test_the_page_has_nothing_that_goes_nowhere_or_that_the_policy_forbids(client: FlaskClient) -> None:
    text = client.get(PATH + "/").text
    assert re.findall(r"<(form|input|button|style|img)\b|\sstyle=|\son\w+=", text) == []
    assert re.findall(r"<script(?! src=)", text) == []


def test_the_page_fits_phones_and_follows_the_devices_colours(client: FlaskClient) -> None:
    text = client.get(PATH + "/").text
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in text
    style = client.get(PATH + "/static/panel.css", buffered=True).text
    assert "@media (prefers-color-scheme: dark)" in style


@pytest.mark.parametrize("path", [PATH, PATH + "/"])
def test_the_style_sheet_is_found_from_either_address(client: FlaskClient, path: str) -> None:
    links = re.findall(r'rel="stylesheet" href="(.*?)"', client.get(path).text)
    assert links == [PATH + "/static/panel.css"]
    answer = client.get(links[0], buffered=True)
    assert (answer.status_code, answer.mimetype) == (200, "text/css")


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
