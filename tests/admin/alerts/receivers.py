"""A webhook and a mail server that listen, and keep what they were given."""

import http.server
import json
import socketserver
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Post:
    """A request that a webhook got."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def said(self) -> Any:
        return json.loads(self.body)


class Hook(http.server.ThreadingHTTPServer):
    """Answers each POST by `code`."""

    daemon_threads = True

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _HookHandler)
        self.code = 200
        self.posts: list[Post] = []
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that do not trust the certificate."""

    def end(self) -> None:
        self.shutdown()
        self.server_close()


class _HookHandler(http.server.BaseHTTPRequestHandler):
    server: Hook

    def log_message(self, *arguments: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posts.append(Post(self.path, dict(self.headers), body))
        self.send_response(self.server.code)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()


class MailServer(socketserver.ThreadingTCPServer):
    """Takes mail after STARTTLS, or over TLS from the start, as RFC 5321 and RFC 3207 say."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, context: ssl.SSLContext, *, offers_starttls: bool = True, is_tls: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _MailHandler)
        self.context = context
        self.offers_starttls = offers_starttls
        self.is_tls = is_tls
        self.takes = True
        self.port: int = self.server_address[1]
        self.mails: list[Taken] = []
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def end(self) -> None:
        self.shutdown()
        self.server_close()


@dataclass
class Taken:
    """A mail with its envelope."""

    is_secured: bool = False
    login: str = ""
    envelope: list[str] = field(default_factory=list)
    text: str = ""


class _MailHandler(socketserver.StreamRequestHandler):
    server: MailServer

    def setup(self) -> None:
        self.taken = Taken()
        if self.server.is_tls:
            self._secure()
        super().setup()

    def finish(self) -> None:
        super().finish()
        self.request.close()

    def handle(self) -> None:
        with suppress(OSError):
            self._say("220 mail.example.com")
            while line := self.rfile.readline().decode().strip():
                if not self._answer(line):
                    return

    def _answer(self, line: str) -> bool:
        word = line.split()[0].upper()
        if word == "EHLO":
            wants_tls = self.server.offers_starttls and not self.taken.is_secured
            self._say("250-mail.example.com\r\n" + ("250-STARTTLS\r\n" if wants_tls else "") + "250 AUTH PLAIN")
        elif word == "STARTTLS":
            self._say("220 go on")
            self._secure()
            super().setup()
        elif word == "AUTH":
            self.taken.login = line.split()[2]
            self._say("235 welcome")
        elif word in ("MAIL", "RCPT"):
            self.taken.envelope.append(line)
            self._say("250 so be it" if self.server.takes else "550 not you, whose password is hunter2")
        elif word == "DATA":
            self._say("354 go on")
            self.taken.text = "".join(line.decode() for line in iter(self.rfile.readline, b".\r\n"))
            self.server.mails.append(self.taken)
            self._say("250 taken")
        else:
            self._say("221 bye")
        return word != "QUIT"

    def _secure(self) -> None:
        self.request = self.server.context.wrap_socket(self.request, server_side=True)
        self.taken.is_secured = True

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())
        self.wfile.flush()
