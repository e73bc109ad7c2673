"""Can the official Python client use this server?

    python client.py ERA URL      ERA modern, auto or legacy
    MCP_TOKEN, MCP_CLIENT_ID, MCP_CLIENT_SECRET, MCP_ISSUER, MCP_EXPECT as in client.mjs
"""

import asyncio
import os
import re
import sys
from urllib.parse import parse_qs

import httpx2
from mcp import Client, MCPError
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.streamable_http import streamable_http_client
from storage import Storage

ERA, URL = sys.argv[1:]
TOKEN, CLIENT_ID, EXPECTED = (os.environ.get(name) for name in ("MCP_TOKEN", "MCP_CLIENT_ID", "MCP_EXPECT"))
MODES = {"modern": "2026-07-28", "auto": "auto", "legacy": "legacy"}
VERSION = "2025-11-25" if ERA == "legacy" else "2026-07-28"

refusals: list[tuple[int, str]] = []
scopes_asked: list[str | None] = []
versions: set[str] = set()


def check(kept: bool, sentence: str) -> None:
    if not kept:
        raise SystemExit(f"FAILED: Python client, {ERA}: {sentence}")


async def sent(request: httpx2.Request) -> None:
    version = request.headers.get("mcp-protocol-version")
    if version and str(request.url) == URL:  # documents about the server are asked for with a version of its own
        versions.add(version)
    if request.url.path.endswith("/token"):
        scopes_asked.append(parse_qs(request.content.decode()).get("scope", [None])[0])


async def came(response: httpx2.Response) -> None:
    if challenge := response.headers.get("www-authenticate"):
        refusals.append((response.status_code, challenge))


async def tour() -> None:
    auth = headers = None
    if CLIENT_ID:
        secret, issuer = os.environ["MCP_CLIENT_SECRET"], os.environ["MCP_ISSUER"]
        auth = ClientCredentialsOAuthProvider(
            server_url=URL, storage=Storage(), client_id=CLIENT_ID, client_secret=secret, issuer=issuer
        )
    elif TOKEN:
        headers = {"Authorization": f"Bearer {TOKEN}"}
    hooks = {"request": [sent], "response": [came]}
    async with httpx2.AsyncClient(auth=auth, headers=headers, event_hooks=hooks, trust_env=False) as http:
        async with Client(streamable_http_client(URL, http_client=http), mode=MODES[ERA], read_timeout_seconds=20) as client:
            await use(client)


async def program(client: Client) -> None:
    """In its own name, as somebody who may call tools and nothing else. The client asks for one scope more once a request, so
    it lists first, as everybody does."""
    await client.list_tools()
    who = (await client.call_tool("whoami", {})).structured_content
    check(who["client"] == CLIENT_ID, f"whoami says {who}, not {CLIENT_ID}")


async def use(client: Client) -> None:
    check(client.protocol_version == VERSION, f"the version agreed on is {client.protocol_version}, not {VERSION}")
    if EXPECTED == "program":
        return await program(client)
    tools = [tool.name for tool in (await client.list_tools()).tools]
    for tool in ["echo", "get_time"] + (["whoami"] if EXPECTED == "whoami" else []):
        check(tool in tools, f"tools/list does not have {tool}: {tools}")
    prompts = [prompt.name for prompt in (await client.list_prompts()).prompts]
    check(prompts == ["greeting", "help"], f"prompts/list is {prompts}")

    echoed = await client.call_tool("echo", {"message": "hé", "repeat_count": 2})
    check(echoed.structured_content == {"text": "héhé"} and not echoed.is_error, f"echo says {echoed}")
    time = words(await client.call_tool("get_time", {"timezone": "Asia/Kathmandu"}))
    check(re.fullmatch(r"\d{4}-\d\d-\d\dT.*\+05:45", time) is not None, f"get_time says {time}")
    greeting = await client.get_prompt("greeting", {"name": "Ada"})
    check("Ada" in greeting.messages[0].content.text, f"the prompt greeting says {greeting}")
    check(len((await client.get_prompt("help")).messages) == 1, "the prompt help has no message")

    refused = await client.call_tool("echo", {"message": "x", "repeat_count": 11})
    named = re.search("repeat_count.*1 to 10", words(refused))
    check(bool(refused.is_error and named), f"a bad argument is answered with {refused}")
    await refuses("an unknown tool", client.call_tool("no_such_tool", {}))
    await refuses("an unknown prompt", client.get_prompt("no_such_prompt"))
    await refuses("a prompt without its argument", client.get_prompt("greeting", {}))
    if EXPECTED == "whoami":
        who = (await client.call_tool("whoami", {})).structured_content
        check(bool(who["subject"]), "whoami does not know the subject")
        check(not CLIENT_ID or who["subject"] == CLIENT_ID, f"the subject {who['subject']} is not the id of the client")
    check(versions == {VERSION}, f"the versions in the headers are {versions}")


def words(result) -> str:
    return "".join(block.text for block in result.content)


async def refuses(what: str, call) -> None:
    try:
        answer = await call
    except MCPError as error:
        check(error.error.code == -32602, f"{what} is refused with {error.error.code}, not -32602")
    else:
        check(False, f"{what} is answered with {answer}")


def stepped_up() -> None:
    """From the bare URL to a token for mcp:read, and from each 403 to one with the scope asked for as well."""
    check(refusals[0][0] == 401, f"the first refusal is {refusals[0]}, not a 401")
    check(scopes_asked[0] == "mcp:read", f"the first token was asked for with {scopes_asked[0]}, not with the scope of the challenge")
    for scope in ("mcp:tools",) if EXPECTED == "program" else ("mcp:tools", "mcp:prompts"):
        wanted = [c for status, c in refusals if status == 403 and f'scope="{scope}"' in c and 'error="insufficient_scope"' in c]
        check(bool(wanted), f"no 403 asked for {scope}: {refusals}")
        check(any(scope in (asked or "").split() for asked in scopes_asked), f"no token was asked for with {scope}: {scopes_asked}")


def all_refused() -> None:
    check(bool(refusals), "there was no refusal with a challenge")
    for status, challenge in refusals:
        check(status == 401, f"the refusal is {status}, not 401")
        check(re.match('Bearer .*resource_metadata="http', challenge) is not None, f"the challenge does not say where to get a token: {challenge}")


def main() -> None:
    if EXPECTED == "refused":
        try:
            asyncio.run(tour())
        except BaseExceptionGroup:
            pass
        except (MCPError, httpx2.HTTPStatusError):
            pass
        else:
            check(False, "a caller whom nobody knows was served")
        all_refused()
    else:
        asyncio.run(tour())
        if CLIENT_ID:
            stepped_up()
    how = ", client credentials" if CLIENT_ID else ", token" if TOKEN else ""
    print(f"ok: Python client, {ERA}{how}{', refused' if EXPECTED == 'refused' else ''}")


main()
