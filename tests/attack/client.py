"""An HTTP client for attacks: raw paths, any method and body, cookies, forms and tokens."""

import http.client
import json
import re
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')


@dataclass(frozen=True)
class Answer:
    """A response as it came over the wire."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode(errors="replace")

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)


@dataclass
class Client:
    """One browser or program; ``username`` is empty for a visitor."""

    url: str
    username: str = ""
    token: str = ""
    cookies: dict[str, str] = field(default_factory=dict)
    _csrf: str = ""

    def send(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Answer:
        """Send a request; a rate limit is waited for, since it is no part of any attack here."""
        while True:
            answer = self._send(method, path, body, headers or {})
            if answer.status != 429:
                return answer
            time.sleep(float(dict(answer.headers).get("Retry-After", "1")))

    def _send(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        if self.cookies:
            headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()), **headers}
        if self.token and path.startswith("/api/"):
            headers = {"Authorization": f"Bearer {self.token}", **headers}
        try:
            connection.request(method, path, body or None, headers)
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        for name, value in response.getheaders():
            if name == "Set-Cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0]
        return Answer(response.status, tuple(response.getheaders()), content)

    def get(self, path: str) -> Answer:
        """Request a page."""
        return self.send("GET", path)

    def post(self, path: str, **fields: str) -> Answer:
        """Send a form as the pages do, with the token against forged requests."""
        form = urlencode({"csrf_token": self.csrf(), **fields}, errors="surrogatepass").encode()
        return self.send("POST", path, form, {"Content-Type": "application/x-www-form-urlencoded"})

    def call(self, method: str, path: str, body: Any = None) -> Answer:
        """Call the API with a JSON body, with the token if there is one, else with the session."""
        headers = {"Content-Type": "application/json"}
        if not self.token and method != "GET":
            headers["X-CSRFToken"] = self.csrf()
        return self.send(method, path, b"" if body is None else json.dumps(body).encode(), headers)

    def csrf(self) -> str:
        """Return the token of the session's forms."""
        if not self._csrf:
            match = CSRF.search(self.get("/login" if not self.username else "/me/").text)
            assert match is not None, f"no form for {self.username or 'a visitor'}"
            self._csrf = match[1]
        return self._csrf

    def sign_in(self, username: str) -> "Client":
        """Sign in without a password, which the tests' instance permits."""
        answer = self.post("/login", username=username)
        assert answer.status == 303, answer.text[:500]
        self.username, self._csrf = username, ""
        return self
