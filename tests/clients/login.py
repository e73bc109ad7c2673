"""Can somebody log in with the official Python client, from the bare URL of a server to a tool, and stay logged in?

    python login.py ERA URL               ERA modern, auto or legacy
    MCP_CLIENT_METADATA_URL=…             the client is the document at this address (CIMD)
    MCP_CLIENT_ID=… MCP_CLIENT_SECRET=…   the client is known beforehand; without both it registers itself
    MCP_EXPECT=denied                     the person says no (LOGIN_DECISION=deny)
    MCP_EXPECT=refresh                    waits until the access token has ended, and goes on
    MCP_ASKED="SCOPE …"                   the person is asked for these at once, not for one more at a time
    MCP_ISSUER=…                          whom the person logs in to
    BROWSER                               browser.py, which reads LOGIN_PERSON and the like
"""

import asyncio
import os
import sys
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider, OAuthFlowError
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata
from pydantic import AnyUrl
from storage import Storage

ERA, URL = sys.argv[1:]
DOCUMENT, CLIENT_ID, EXPECTED = (os.environ.get(name) for name in ("MCP_CLIENT_METADATA_URL", "MCP_CLIENT_ID", "MCP_EXPECT"))
PERSON = os.environ.get("LOGIN_PERSON", "mcp-admin")
MCP_SCOPES = {"mcp:read", "mcp:tools", "mcp:prompts"}  # an issuer may have others, for names and for staying logged in
AT_ONCE = set(os.environ.get("MCP_ASKED", "").split())
HOW = "CIMD" if DOCUMENT else "known beforehand" if CLIENT_ID else "DCR"
REDIRECT = AnyUrl("http://127.0.0.1:33418/callback")

asked: list[dict[str, str]] = []  # what the person was asked for, each time
paths: list[str] = []  # what was sent to the authorization server
answer: dict[str, str] = {}


def check(kept: bool, sentence: str) -> None:
    if not kept:
        raise SystemExit(f"FAILED: Python client, {ERA}, {HOW}: {sentence}")


def parameters(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


async def open_browser(url: str) -> None:
    asked.append(parameters(url))
    browser = await asyncio.create_subprocess_exec(
        os.environ["BROWSER"], url, stdout=asyncio.subprocess.PIPE, env={**os.environ, "LOGIN_PRINT": "yes"}
    )
    back, _ = await browser.communicate()
    check(browser.returncode == 0, "the browser saw what nobody expects")
    answer.clear()
    answer.update(parameters(back.decode().strip()))
    check(answer.get("iss") == os.environ["MCP_ISSUER"], f"the answer does not name its issuer: {sorted(answer)}")  # a no, too


async def came_back() -> AuthorizationCodeResult:
    return AuthorizationCodeResult(code=answer.get("code", ""), state=answer.get("state"), iss=answer.get("iss"))


async def sent(request: httpx2.Request) -> None:
    if not str(request.url).startswith(URL.removesuffix("/mcp")):
        grant = parse_qs(request.content.decode()).get("grant_type", [""])[0] if request.method == "POST" else ""
        paths.append(f"{request.url.path} {grant}".strip())


async def whoami(client: Client) -> dict:
    return (await client.call_tool("whoami", {})).structured_content


async def has_ended(token: str) -> None:
    """Waits until the server says that this token is good for nothing."""
    async with httpx2.AsyncClient(trust_env=False) as http, asyncio.timeout(30):
        while (await http.post(URL, headers={"Authorization": f"Bearer {token}"})).status_code != 401:
            await asyncio.sleep(0.2)


async def tour() -> None:
    storage = Storage()
    if CLIENT_ID:
        secret = os.environ.get("MCP_CLIENT_SECRET")
        storage.client = OAuthClientInformationFull(
            client_id=CLIENT_ID, client_secret=secret, token_endpoint_auth_method="client_secret_basic" if secret else "none",
            redirect_uris=[REDIRECT], issuer=os.environ["MCP_ISSUER"],
        )  # fmt: skip
    metadata = OAuthClientMetadata(
        client_name="The Python client", redirect_uris=[REDIRECT], grant_types=["authorization_code", "refresh_token"]
    )
    auth = OAuthClientProvider(
        server_url=URL, storage=storage, client_metadata=metadata, client_metadata_url=DOCUMENT,
        redirect_handler=open_browser, callback_handler=came_back,
    )  # fmt: skip
    async with httpx2.AsyncClient(auth=auth, event_hooks={"request": [sent]}, trust_env=False) as http:
        mode = "2026-07-28" if ERA == "modern" else ERA
        async with Client(streamable_http_client(URL, http_client=http), mode=mode, read_timeout_seconds=30) as client:
            await use(client, storage)


async def use(client: Client, storage: Storage) -> None:
    tools = [tool.name for tool in (await client.list_tools()).tools]
    check("whoami" in tools, f"tools/list has {tools}")
    who = await whoami(client)
    check(PERSON in (who["subject"], who.get("name")), f"whoami says {who}, not {PERSON}")
    check(MCP_SCOPES & set(who["scopes"]) == (AT_ONCE or {"mcp:read", "mcp:tools"}), f"the scopes are {who['scopes']}")
    check(len((await client.get_prompt("help")).messages) == 1, "the prompt help has no message")
    scopes = [MCP_SCOPES & set(request["scope"].split()) for request in asked]
    steps = [AT_ONCE] if AT_ONCE else [{"mcp:read"}, {"mcp:read", "mcp:tools"}, {"mcp:read", "mcp:tools", "mcp:prompts"}]
    check(scopes == steps, f"the person was asked for {scopes}, not for {steps}")
    ids = {request["client_id"] for request in asked}
    expected = {DOCUMENT or CLIENT_ID or storage.client.client_id}
    check(ids == expected, f"the client called itself {ids}, not {expected}")
    registered = any("regist" in path for path in paths)
    check(registered == (HOW == "DCR"), f"it registered itself, or did not: {paths}")
    check(all(request["resource"] == URL for request in asked), f"the resource is not {URL}: {asked}")
    if EXPECTED == "refresh":
        old = storage.tokens.access_token
        await has_ended(old)
        check((await whoami(client))["subject"] == who["subject"], "after the access token had ended, whoami knows nobody")
        refreshed = any(path.endswith("/token refresh_token") for path in paths)
        check(refreshed and len(asked) == len(steps), f"the token was not refreshed: {paths}")
        check(storage.tokens.access_token != old, "the access token is the old one")


def causes(error: BaseException) -> list[BaseException]:
    return [one for each in error.exceptions for one in causes(each)] if isinstance(error, BaseExceptionGroup) else [error]


def main() -> None:
    if EXPECTED == "denied":
        try:
            asyncio.run(tour())
        except (OAuthFlowError, BaseExceptionGroup) as error:
            check(any(isinstance(one, OAuthFlowError) for one in causes(error)), f"it ends with {error!r}")
            check(answer.get("error") == "access_denied", f"the client was told {answer}")
        else:
            check(False, "the person said no, and was not heard")
    else:
        asyncio.run(tour())
    print(f"ok: Python client, {ERA}, {HOW}{', ' + EXPECTED if EXPECTED else ''}")


main()
