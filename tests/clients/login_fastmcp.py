"""Can somebody log in with fastmcp, from the bare URL of a server to a tool, and stay logged in?

    python login_fastmcp.py ERA URL      ERA modern, auto or legacy
    BROWSER                              the browser, as a command in the background: it is told to come back to a port of the client
    LOGIN_LOG                            the file in which the browser says what it was asked
    MCP_EXPECT=program                   no person: client credentials
    else as in login.py
"""

import asyncio
import os
import sys
import time
from urllib.parse import parse_qs, urlsplit

from fastmcp import Client
from fastmcp.client.auth import ClientCredentialsOAuthProvider, OAuth

ERA, URL = sys.argv[1:]
DOCUMENT, CLIENT_ID, EXPECTED = (os.environ.get(name) for name in ("MCP_CLIENT_METADATA_URL", "MCP_CLIENT_ID", "MCP_EXPECT"))
AT_ONCE = set(os.environ.get("MCP_ASKED", "").split())
PERSON = os.environ.get("LOGIN_PERSON", "mcp-admin")
MODES = {"modern": "2026-07-28", "auto": "auto", "legacy": "legacy"}


def check(kept: bool, sentence: str) -> None:
    if not kept:
        raise SystemExit(f"FAILED: fastmcp, {ERA}: {sentence}")


def asked() -> list[dict[str, str]]:
    """What the person was asked for, each time."""
    with open(os.environ["LOGIN_LOG"], encoding="utf-8") as log:
        urls = [line.removeprefix("opened: ").strip() for line in log if line.startswith("opened: ")]
    return [{name: values[0] for name, values in parse_qs(urlsplit(url).query).items()} for url in urls]


async def whoami(client: Client) -> dict:
    return (await client.call_tool("whoami", {})).structured_content


async def person(client: Client) -> None:
    tools = [tool.name for tool in await client.list_tools()]
    check("whoami" in tools, f"tools/list has {tools}")
    who = await whoami(client)
    check(PERSON in (who["subject"], who.get("name")), f"whoami says {who}, not {PERSON}")
    requests = asked()
    scopes = [{scope for scope in request["scope"].split() if scope.startswith("mcp:")} for request in requests]
    steps = [AT_ONCE] if AT_ONCE else [{"mcp:read"}, {"mcp:read", "mcp:tools"}]
    check(scopes == steps, f"the person was asked for {scopes}, not for {steps}")
    ids = {request["client_id"] for request in requests}
    check(len(ids) == 1 and ids <= {DOCUMENT or CLIENT_ID or ids.copy().pop()}, f"the client called itself {ids}")
    if EXPECTED == "refresh":
        while time.time() <= who["expires"] + 3:  # the server takes a token for 2 s longer
            await asyncio.sleep(0.2)
        check((await whoami(client))["expires"] > who["expires"], "the token is the old one")
        check(len(asked()) == len(steps), "the person was asked again")


async def program(client: Client) -> None:
    tools = [tool.name for tool in await client.list_tools()]
    check("whoami" in tools, f"tools/list has {tools}")
    who = await whoami(client)
    check(who["client"] == CLIENT_ID, f"whoami says {who}, not {CLIENT_ID}")


async def main() -> None:
    secret = os.environ.get("MCP_CLIENT_SECRET")
    if EXPECTED == "program":
        auth = ClientCredentialsOAuthProvider(mcp_url=URL, client_id=CLIENT_ID, client_secret=secret, issuer=os.environ["MCP_ISSUER"])
    else:
        auth = OAuth(client_metadata_url=DOCUMENT, client_id=CLIENT_ID, client_secret=secret, callback_timeout=30)
    async with Client(URL, auth=auth, mode=MODES[ERA]) as client:
        await (program if EXPECTED == "program" else person)(client)
    print(f"ok: fastmcp, {ERA}{', ' + EXPECTED if EXPECTED else ''}")


asyncio.run(main())
