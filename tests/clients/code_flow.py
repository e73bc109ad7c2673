#!/usr/bin/env python3
"""A client that does the authorization code flow by hand, so that each value can be looked at: prints the token answer.

    code_flow.py ISSUER RESOURCE SCOPE [--client ID | --register]
    --client ID   is known beforehand [default: mcp-client]
    --register    registers itself, as one that names the scopes it wants and a web site that is not on this machine

LOGIN_PERSON and LOGIN_PASSWORD are for browser.py, which is sent to the login page. It needs nothing but Python.
"""

import argparse
import base64
import hashlib
import json
import os
import secrets
import subprocess
import sys
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import ProxyHandler, Request, build_opener

http = build_opener(ProxyHandler({}))


def ask(url: str, body: bytes | None = None, kind: str = "application/json") -> dict:
    try:
        return json.load(http.open(Request(url, body, {"Content-Type": kind} if body else {}), timeout=20))
    except HTTPError as error:
        raise SystemExit(f"FAILED: {url} answers {error.code}: {error.read(2000).decode('utf-8', 'replace')}") from None


def register(metadata: dict, redirect: str, scope: str) -> str:
    wanted = {
        "client_name": "A program that registers itself", "client_uri": "https://example.com", "redirect_uris": [redirect],
        "grant_types": ["authorization_code", "refresh_token"], "token_endpoint_auth_method": "none", "scope": scope,
    }  # fmt: skip
    return ask(metadata["registration_endpoint"], json.dumps(wanted).encode())["client_id"]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("issuer")
    parser.add_argument("resource")
    parser.add_argument("scope")
    parser.add_argument("--client", default="mcp-client")
    parser.add_argument("--register", action="store_true")
    given = parser.parse_args()
    parts = urlsplit(given.issuer)
    metadata = ask(f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{parts.path}")  # RFC 8414 §3.1
    if metadata["issuer"] != given.issuer:
        raise SystemExit(f"FAILED: the issuer calls itself {metadata['issuer']}")
    redirect = f"http://127.0.0.1:{40000 + secrets.randbelow(20000)}/callback"
    client = register(metadata, redirect, given.scope) if given.register else given.client
    verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    login = {
        "response_type": "code", "client_id": client, "redirect_uri": redirect, "scope": given.scope, "state": state,
        "code_challenge": challenge, "code_challenge_method": "S256", "resource": given.resource,
    }  # fmt: skip
    browser = [sys.executable, str(Path(__file__).parent / "browser.py"), f"{metadata['authorization_endpoint']}?{urlencode(login)}"]
    seen = subprocess.run(browser, stdout=subprocess.PIPE, text=True, env={**os.environ, "LOGIN_PRINT": "yes"})
    if seen.returncode != 0:
        raise SystemExit("FAILED: the browser saw what nobody expects")
    back = {name: values[0] for name, values in parse_qs(urlsplit(seen.stdout.strip()).query).items()}
    if back.get("state") != state or back.get("iss") != given.issuer or "code" not in back:
        raise SystemExit(f"FAILED: what came back has no code, or another state or issuer: {back}")
    form = {
        "grant_type": "authorization_code", "code": back["code"], "redirect_uri": redirect, "client_id": client,
        "code_verifier": verifier, "resource": given.resource,
    }  # fmt: skip
    print(json.dumps(ask(metadata["token_endpoint"], urlencode(form).encode(), "application/x-www-form-urlencoded")))


main()
