import base64
import hashlib
import hmac
import ssl
from datetime import UTC, datetime

import pytest

from panel.alerts.channels import SIGNATURE_HEADER, DeliveryError, Mail, Webhook, chosen
from panel.config import AlertTargets
from panel.store.alerts import Message
from tests.admin.alerts.receivers import Hook, MailServer

SECRET = "hunter2"  # noqa: S105 # of the tests
MESSAGE = Message(id=7, at=datetime(2026, 11, 25, 12, tzinfo=UTC), channel="", kind="engine_failed",
                  sentence="xray lacks changes of users: علی — its agent is gone.")


def test_a_webhook_gets_json_and_a_signature_of_it(hook: Hook) -> None:
    Webhook(f"http://127.0.0.1:{hook.server_port}/a/b?c=d#{SECRET}", "example.com").deliver(MESSAGE)
    post, = hook.posts
    assert post.path == "/a/b?c=d"
    assert post.said == {"id": 7, "at": "2026-11-25T12:00:00+00:00", "server": "example.com", "kind": "engine_failed",
                         "sentence": MESSAGE.sentence}
    assert post.headers["Content-Type"] == "application/json"
    made = hmac.new(SECRET.encode(), post.body, hashlib.sha256).hexdigest()
    assert post.headers[SIGNATURE_HEADER] == f"sha256={made}"
    assert SECRET not in str(post.headers)


def test_a_webhook_without_a_key_gets_no_signature(hook: Hook) -> None:
    Webhook(f"http://127.0.0.1:{hook.server_port}", "example.com").deliver(MESSAGE)
    assert hook.posts[0].path == "/"
    assert SIGNATURE_HEADER not in hook.posts[0].headers


@pytest.mark.parametrize("code", [302, 307, 404, 500])
def test_any_answer_but_2xx_is_a_fault_and_no_redirect_is_followed(hook: Hook, code: int) -> None:
    hook.code = code
    with pytest.raises(DeliveryError) as caught:
        Webhook(f"http://127.0.0.1:{hook.server_port}/{SECRET}", "example.com").deliver(MESSAGE)
    assert str(caught.value) == f"The webhook answers {code}; look at what alertWebhookUrl leads to."
    assert len(hook.posts) == 1


@pytest.mark.usefixtures("trusted")
def test_a_webhook_over_tls_is_told_if_its_certificate_holds(context: ssl.SSLContext) -> None:
    hook = Hook(context)
    Webhook(f"https://127.0.0.1:{hook.server_port}/", "example.com").deliver(MESSAGE)
    assert len(hook.posts) == 1
    hook.end()


def test_a_webhook_with_another_certificate_is_told_nothing(context: ssl.SSLContext) -> None:
    hook = Hook(context)
    with pytest.raises(DeliveryError, match=r"unable to get local issuer certificate\); look at alertWebhookUrl"):
        Webhook(f"https://127.0.0.1:{hook.server_port}/", "example.com").deliver(MESSAGE)
    hook.end()
    assert hook.posts == []


@pytest.mark.parametrize("way", [
    Webhook(f"http://127.0.0.1:1/{SECRET}", ""), Webhook(f"https://{SECRET}:99999/", ""),
    Webhook(f"http://{SECRET}.invalid/", ""), Mail(f"smtp://me:{SECRET}@127.0.0.1:1", "me@example.com", ""),
    Mail(f"smtps://me:{SECRET}@127.0.0.1:1", "me@example.com", ""),
])
def test_whoever_does_not_answer_is_told_without_secrets(way: Webhook | Mail) -> None:
    sentence = r"^The (webhook|mail server) did not take it \(.+\); look at alert\w+Url\.$"
    with pytest.raises(DeliveryError, match=sentence) as caught:
        way.deliver(MESSAGE)
    assert SECRET not in str(caught.value)


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_mail_goes_over_tls_with_its_sign_in(context: ssl.SSLContext, scheme: str) -> None:
    server = MailServer(context, is_tls=scheme == "smtps")
    url = f"{scheme}://bot%40example.com:{SECRET}@127.0.0.1:{server.port}"
    Mail(url, "me@example.org", "example.com").deliver(MESSAGE)
    server.end()
    mail, = server.mails
    assert mail.is_secured
    assert base64.b64decode(mail.login) == f"\0bot@example.com\0{SECRET}".encode()
    assert [line.split()[1] for line in mail.envelope] == ["FROM:<bot@example.com>", "TO:<me@example.org>"]
    assert "Subject: [example.com] engine failed\r\n" in mail.text
    assert "Date: Wed, 25 Nov 2026 12:00:00 +0000\r\n" in mail.text


def test_no_mail_goes_to_a_server_whose_certificate_does_not_hold(mail_server: MailServer) -> None:
    with pytest.raises(DeliveryError, match=r"unable to get local issuer certificate\); look at alertSmtpUrl"):
        Mail(f"smtp://me:{SECRET}@127.0.0.1:{mail_server.port}", "me@example.org", "example.com").deliver(MESSAGE)
    assert mail_server.mails == []


def test_no_mail_goes_in_clear(context: ssl.SSLContext) -> None:
    server = MailServer(context, offers_starttls=False)
    with pytest.raises(DeliveryError, match=r"it offers no STARTTLS or no sign-in"):
        Mail(f"smtp://127.0.0.1:{server.port}", "me@example.org", "example.com").deliver(MESSAGE)
    server.end()
    assert server.mails == []


@pytest.mark.usefixtures("trusted")
def test_a_refusal_is_told_without_the_servers_own_words(mail_server: MailServer) -> None:
    mail_server.takes = False
    with pytest.raises(DeliveryError, match=r"did not take it \(code 550\)"):
        Mail(f"smtp://127.0.0.1:{mail_server.port}", "me@example.org", "example.com").deliver(MESSAGE)


def test_only_the_ways_that_are_configured_whole_are_chosen() -> None:
    def names(**targets: str) -> list[str]:
        usual = {"webhook_url": "", "smtp_url": "", "mail_to": ""}
        return [way.name for way in chosen(AlertTargets(**(usual | targets)), "example.com")]

    assert names() == []
    assert names(webhook_url="http://127.0.0.1/") == ["webhook"]
    assert names(smtp_url="smtp://127.0.0.1") == names(mail_to="me@example.org") == []
    assert names(webhook_url="http://127.0.0.1/", smtp_url="smtp://127.0.0.1", mail_to="a@b.c") == ["webhook", "mail"]
