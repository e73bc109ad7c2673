#!/usr/bin/env python3
"""A browser with somebody in front of it: opens an address, logs in, decides, and is sent back to the program that asked.

    browser.py URL
    LOGIN_PERSON, LOGIN_PASSWORD   who logs in; without them mcp-admin of the demo people
    LOGIN_DECISION=deny            says no; without it the answer is yes
    LOGIN_PRINT=yes                prints the address of the program instead of opening it
    LOGIN_LOG=FILE                 a line is added for each page: what was seen, or FAILED and why

Exit status 1 when a page is not what somebody who logs in expects: an error, no form, a field that nobody knows.
It needs nothing but Python, follows redirects itself, keeps cookies, and runs no script.
"""

import fcntl
import os
import sys
import time
from contextlib import contextmanager
from html.parser import HTMLParser
from http.cookiejar import CookieJar, DefaultCookiePolicy
from urllib.error import HTTPError, URLError
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, ProxyHandler, Request, build_opener

PERSON = os.environ.get("LOGIN_PERSON", "mcp-admin")
PASSWORD = os.environ.get("LOGIN_PASSWORD", "admin123")
DECISION = os.environ.get("LOGIN_DECISION", "allow")


def note(line: str) -> None:
    if file := os.environ.get("LOGIN_LOG"):
        with open(file, "a", encoding="utf-8") as log:
            log.write(line + "\n")


def fail(sentence: str) -> None:
    note(f"FAILED {sentence}")
    raise SystemExit(f"browser.py: {sentence}")


class Page(HTMLParser):
    """What a person sees of a page, and the one form that stands in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.forms: list[dict] = []
        self.fields: dict[str, tuple[str, str]] = {}  # name: (type, value)
        self.buttons: list[tuple[str, str]] = []
        self.hidden = 0
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = {name: value or "" for name, value in attrs}
        if tag in ("style", "script", "title"):
            self.hidden += 1
        elif tag == "form":
            self.forms.append(values)
        elif tag == "input" and values.get("type") == "submit":
            self.buttons.append((values.get("name", ""), values.get("value", "")))
        elif tag == "input":
            self.fields[values.get("name", "")] = (values.get("type", "text"), values.get("value", ""))
        elif tag == "button":
            self.buttons.append((values.get("name", ""), values.get("value", "")))

    def handle_endtag(self, tag):
        self.hidden -= tag in ("style", "script", "title")

    def handle_data(self, data):
        if not self.hidden and data.strip():
            self.words.append(" ".join(data.split()))


class NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


# To a browser this machine is safe without TLS, so cookies that are only for what is safe come back to it.
cookies = CookieJar(DefaultCookiePolicy(secure_protocols=("http", "https")))
browser = build_opener(ProxyHandler({}), HTTPCookieProcessor(cookies), NoRedirects())

# What the two buttons of a page that asks for consent are called: here, and with Keycloak.
BUTTONS = {"allow": [("decision", "allow"), ("accept", "")], "deny": [("decision", "deny"), ("cancel", "")]}


def ask(url: str, form: dict | None = None) -> tuple[int, str | None, str]:
    """Status, where it sends us, and the text."""
    body = urlencode(form).encode() if form is not None else None
    try:
        answer = browser.open(Request(url, body), timeout=20)
    except HTTPError as error:  # a redirect, or a page about what went wrong
        answer = error
    text = answer.read(1 << 20).decode("utf-8", "replace")
    to = answer.headers.get("Location") if 300 <= answer.status < 400 else None
    return answer.status, to and urljoin(url, to), text


@contextmanager
def turn_of(page: Page):
    """A person types one password at a time, and so do all browsers here: Keycloak refuses the second one at the same moment,
    as it might be somebody who guesses."""
    with open(__file__) as turn:
        if "password" in page.fields:
            fcntl.flock(turn, fcntl.LOCK_EX)
        yield


def filled_in(page: Page) -> dict[str, str]:
    """The form as somebody sends it who reads what the fields are called."""
    form = {}
    for name, (kind, value) in page.fields.items():
        known = {"username": PERSON, "password": PASSWORD}
        if kind != "hidden" and name not in known:
            fail(f"nobody knows what to write into the field {name!r}")
        form[name] = value if kind == "hidden" else known[name]
    if "password" not in page.fields:
        pressed = [button for button in page.buttons if button in BUTTONS[DECISION]]
        if len(pressed) != 1:
            fail(f"there is no button to {DECISION}, only {page.buttons}")
        form.update(pressed)
        note("consent: " + " ".join(page.words))
    else:
        note("login: " + " ".join(page.words))
    return form


def main(url: str) -> None:
    here = urlsplit(url)[:2]
    note(f"opened: {url}")
    status, to, text = ask(url)
    for _ in range(10):
        if to and urlsplit(to)[:2] != here:
            return sent_back(to)
        if to:
            status, to, text = ask(to)
            continue
        page = Page(text)
        words = " ".join(page.words)
        if status != 200:
            fail(f"the page is a {status}: {words}")
        if len(page.forms) != 1:
            fail(f"the page has {len(page.forms)} forms, so there is nothing to do: {words}")
        form = page.forms[0]
        if form.get("method", "").lower() != "post":
            fail("the form would write what is filled in into the address")
        url = urljoin(url, form.get("action", ""))
        with turn_of(page):
            status, to, text = ask(url, filled_in(page))
    fail("there is no end of pages")


def sent_back(to: str) -> None:
    parts = urlsplit(to)
    given = parse_qs(parts.query)
    note("sent back: " + " ".join(f"{name}={'…' if name == 'code' else values[0]}" for name, values in sorted(given.items())))
    if os.environ.get("LOGIN_PRINT"):
        print(to)
    elif parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        fail(f"{parts.hostname} is no program of this machine")
    else:
        deliver(to)


def deliver(to: str) -> None:
    """Opens an address of the program that asked. A person is slower than we are: some listen only after they have sent him away."""
    end = time.monotonic() + 10
    while True:
        try:
            return ask(to)
        except URLError as error:
            if time.monotonic() > end:
                fail(f"the program that asked does not listen: {error.reason}")
            time.sleep(0.1)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(sys.argv[1])
