import base64
import dataclasses
import json
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, update
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from panel import PanelConfig
from panel.config import ServerFacts
from panel.protocols import PROTOCOLS
from panel.store.database import Database
from panel.store.models import User
from panel.subscriptions import every_way, token, url
from panel.users import NewUser, create, revoke_link
from tests.admin.panel_file import PATH, SUBSCRIPTION_PATH
from tests.admin.subscriptions.test_tokens import OPERATOR

FORMATS = ("links", "plain", "sing-box", "mihomo", "xray", "wireguard", "wireguard-websocket", "json", "authority",
           "page")
BROWSER = {"Accept": "text/html,application/xhtml+xml", "Accept-Language": "en"}


class Reader:
    """Somebody who has a user's link."""

    def __init__(self, config: PanelConfig, database: Database, client: FlaskClient) -> None:
        self._config, self._database, self._client = config, database, client
        with database.write() as session:
            self._id = create(session, OPERATOR, config.server, NewUser(name="alice")).id

    @property
    def user(self) -> User:
        with self._database.write() as session:
            return session.get_one(User, self._id)

    @property
    def address(self) -> str:
        return f"{SUBSCRIPTION_PATH}/{token(self._config, self.user)}"

    def change(self, **values: object) -> None:
        with self._database.write() as session:
            session.execute(update(User).where(User.id == self._id).values(**values))

    def get(self, form: str = "", method: str = "GET", **headers: str) -> TestResponse:
        query = f"?format={form}" if form else ""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._client.open(self.address + query, method=method, headers=named)

    def page(self, query: str = "") -> str:
        answer = self._client.get(f"{self.address}?format=page{query}", headers=BROWSER)
        assert answer.status_code == 200
        return answer.text


@pytest.fixture
def reader(config: PanelConfig, database: Database, client: FlaskClient) -> Reader:
    return Reader(config, database, client)


@pytest.mark.parametrize("form", [*FORMATS, "", "no such form"])
@pytest.mark.parametrize("agent", ["tests", "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"])
def test_no_answer_sets_a_cookie_or_depends_on_one(reader: Reader, form: str, agent: str) -> None:
    for cookie in ("", "__Host-session=short", f"__Host-session={'a' * 43}", "__Host-theme=dark"):
        answer = reader.get(form, User_Agent=agent, Accept=BROWSER["Accept"], Cookie=cookie)
        assert (answer.headers.getlist("Set-Cookie"), answer.headers.get("Vary")) == ([], None)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_every_form_answers_with_the_headers_that_programs_read(reader: Reader, form: str, method: str) -> None:
    answer = reader.get(form, method)
    assert answer.status_code == 200
    assert bool(answer.data) == (method == "GET")
    assert answer.headers["Subscription-Userinfo"] == "upload=0; download=0; total=0; expire=0"
    assert answer.headers["Profile-Update-Interval"] == "12"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Profile-Web-Page-Url"] == f"https://www.example.com{reader.address}?format=page"


def test_json_is_what_the_functions_give(reader: Reader, server: ServerFacts) -> None:
    answer = reader.get("json")
    assert (answer.mimetype, answer.json) == ("application/json", every_way(server, reader.user))


def test_without_a_format_the_program_decides(reader: Reader) -> None:
    assert json.loads(reader.get(User_Agent="SFA/1.12.8 (Build 580; sing-box 1.12.8)").data)["outbounds"]
    assert reader.get(User_Agent="clash-verge/v2.4.2").mimetype == "text/yaml"
    assert b"vless://" in base64.b64decode(reader.get(User_Agent="v2rayNG/1.10.24").data)
    assert reader.get(**{"User_Agent": "Mozilla/5.0", "Accept": "text/html"}).mimetype == "text/html"


def test_usage_is_that_of_the_quota_s_period_where_there_is_a_quota(reader: Reader) -> None:
    ends = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
    reader.change(up_bytes=5, down_bytes=7, period_used_bytes=9, expires_at=ends)
    assert reader.get("links").headers["Subscription-Userinfo"] == (
        f"upload=5; download=7; total=0; expire={int(ends.timestamp())}")
    reader.change(quota_bytes=10**12, quota_period="month")
    assert reader.get("links").headers["Subscription-Userinfo"].startswith("upload=0; download=9; total=1000000000000;")


@pytest.mark.parametrize("name", ["alice", "علی 🌱", '"; filename=x', "%0d%0aX: y", "Ж" * 64])
def test_titles_and_file_names_say_any_name_and_no_header_more(reader: Reader, name: str) -> None:
    reader.change(name=name)
    headers = reader.get("sing-box").headers
    assert base64.b64decode(headers["Profile-Title"].removeprefix("base64:")).decode() == f"{name}@example.com"
    assert headers["Content-Disposition"].startswith("attachment; filename")
    assert "X" not in headers
    if not name.isascii():
        file = quote(f"{name}@example.com.json", safe="")
        assert headers["Content-Disposition"] == f"attachment; filename*=UTF-8''{file}"
    # What a server of WSGI writes.
    assert "".join(f"{key}: {value}" for key, value in headers).encode("latin-1")


@pytest.mark.parametrize(("form", "file"), [
    ("wireguard", "example.com.conf"), ("wireguard-websocket", "example.com-ws.conf")])
def test_wireguard_s_files_have_names_that_an_interface_may_have(reader: Reader, form: str, file: str) -> None:
    assert reader.get(form).headers["Content-Disposition"] == f"attachment; filename={file}"
    assert len(file.removesuffix(".conf")) <= 15


@pytest.mark.parametrize("form", ["wireguard", "wireguard-websocket"])
def test_without_wireguard_there_is_no_file_of_it(reader: Reader, form: str) -> None:
    reader.change(closed_protocols=["wireguard", "wireguardWebsocket"])
    assert reader.get(form).status_code == 404


def test_who_may_use_nothing_gets_whole_files_that_name_no_secret(reader: Reader) -> None:
    secrets = re.findall(r'"([^"]{20,})"', json.dumps(reader.user.secrets))
    assert len(secrets) > 10
    reader.change(status="expired")
    for form in FORMATS:
        answer = reader.get(form)
        assert answer.status_code == (404 if form.startswith("wireguard") else 200)
        assert not [secret for secret in secrets if secret in answer.text]


@pytest.mark.parametrize("form", ["nonsense", "../links", "LINKS", "links,json"])
def test_a_form_that_does_not_exist_is_no_page(reader: Reader, form: str) -> None:
    assert reader.get(form).status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_nothing_can_be_sent_to_a_link(reader: Reader, method: str) -> None:
    assert reader.get("json", method).status_code in (400, 404, 405)


def test_what_is_no_link_or_no_longer_is_no_page(reader: Reader, database: Database, client: FlaskClient) -> None:
    old = reader.address
    with database.write() as session:
        revoke_link(session, OPERATOR, reader.user.id)
    for path in (old, old[:-1], f"{SUBSCRIPTION_PATH}/", SUBSCRIPTION_PATH, f"{SUBSCRIPTION_PATH}/{'A' * 43}",
                 f"{reader.address}/", f"{reader.address}/x", f"{PATH}/{reader.address.rpartition('/')[2]}"):
        assert client.get(path, headers={"Authorization": ""}).status_code in (401, 404), path
    assert client.get(reader.address).status_code == 200


def test_a_server_without_clients_has_no_links(database: Database, config: PanelConfig, reader: Reader) -> None:
    address = reader.address
    object.__setattr__(config, "server", None)
    assert reader._client.get(address).status_code == 404


def test_the_operator_sees_when_a_link_was_read_and_by_what(reader: Reader) -> None:
    before, revision = datetime.now(UTC), reader.user.revision
    reader.get(User_Agent="SFA/1.12.8\tx\x7f" + "y" * 200)
    assert reader.user.link_read_at is not None
    assert before <= reader.user.link_read_at <= datetime.now(UTC)
    assert reader.user.link_read_by == ("SFA/1.12.8x" + "y" * 200)[:128]
    # The engines have nothing to do with it.
    assert reader.user.revision == revision


def test_a_program_that_asks_in_a_loop_is_written_down_once_a_minute(reader: Reader) -> None:
    reader.get(User_Agent="first")
    reader.get(User_Agent="second")
    assert reader.user.link_read_by == "first"
    reader.change(link_read_at=datetime.now(UTC) - timedelta(seconds=61))
    reader.get(User_Agent="second")
    assert reader.user.link_read_by == "second"


def test_a_store_that_cannot_be_written_gives_its_links_all_the_same(
    reader: Reader, database: Database, caplog: pytest.LogCaptureFixture,
) -> None:
    @event.listens_for(database.engine, "before_cursor_execute")
    def fail(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.startswith("UPDATE users"):
            raise OperationalError(statement, {}, Exception("the disk is full"))
    assert reader.get("json").status_code == 200
    assert "could not be written down" in caplog.text


def test_the_page_shows_each_way_and_the_address(reader: Reader, config: PanelConfig) -> None:
    page = reader.page()
    assert url(config, reader.user) in page
    assert re.findall(r"<summary>([^<]+?)\s*<", page) == [
        protocol.title for protocol in PROTOCOLS.values()]
    # One for the address, and one for each way but the one that no app reads from a picture.
    assert page.count('class="qr"') == 1 + len(PROTOCOLS) - 1


def test_the_page_loads_nothing_from_the_panel_s_own_address(reader: Reader, client: FlaskClient) -> None:
    page = reader.page()
    assert PATH not in page
    loaded = re.findall(r'(?:src|<link[^>]* href)="([^"]+)"', page)
    assert len(loaded) == 3
    assert {client.get(path, buffered=True).status_code for path in loaded} == {200}


def test_the_page_has_nothing_that_the_policy_forbids(reader: Reader) -> None:
    assert re.findall(r"<(?:form|style|iframe)\b|<script(?! src=)|\sstyle=|\son\w+=", reader.page()) == []


def test_a_name_is_text_on_the_page(reader: Reader) -> None:
    reader.change(name="<script>alert(1)</script>'\"")
    assert "<script>alert" not in reader.page()


@pytest.mark.parametrize(("status", "said"), [
    ("disabled", "switched off"), ("expired", "has ended"), ("limited", "used up")])
def test_the_page_says_why_nothing_works_and_whom_to_ask(reader: Reader, status: str, said: str) -> None:
    reader.change(status=status)
    page = reader.page()
    assert said in page
    assert "vless://" not in page
    assert 'class="qr"' not in page


@pytest.mark.parametrize(("code", "tag", "direction"), [
    ("en", "en", "ltr"), ("fa", "fa", "rtl"), ("ru", "ru", "ltr"), ("zh", "zh-Hans", "ltr")])
def test_the_page_speaks_the_language_that_is_asked_for(reader: Reader, code: str, tag: str, direction: str) -> None:
    assert f'<html lang="{tag}" dir="{direction}">' in reader.page(f"&language={code}")


def test_an_unknown_language_is_the_browser_s_own(reader: Reader) -> None:
    assert '<html lang="en"' in reader.page("&language=../x")


def test_only_a_private_authority_is_spoken_of(config: PanelConfig, server: ServerFacts, reader: Reader) -> None:
    assert "needs the certificate" in reader.page()
    object.__setattr__(config, "server", dataclasses.replace(server, authority=""))
    assert "ertificate" not in reader.page()
    assert reader.get("authority").status_code == 404
