"""The clients of the table: how each is started, and what each cannot do, with the reason, as found by trying."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent

COLUMNS = {
    "embedded-dcr": "own, DCR",
    "embedded-cimd": "own, CIMD",
    "keycloak-dcr": "Keycloak, DCR",
    "keycloak-cimd": "Keycloak, CIMD",
    "keycloak-known": "Keycloak, known",
    "embedded-program": "own, program",
    "keycloak-program": "Keycloak, program",
}
PHASES = {
    "embedded": ["embedded-dcr", "embedded-cimd", "embedded-program"],
    "programs": ["keycloak-program"],
    "keycloak": ["keycloak-dcr", "keycloak-known"],
    "documents": ["keycloak-cimd"],
}


@dataclass(frozen=True)
class Attempt:
    """What a visit shows when it ends well; with `fails`, a pattern, it must not end well and say so."""

    steps: list[str]
    expect: str = ""
    note: str | None = None
    fails: str | None = None
    document: str = "client"
    era: str | None = None
    scope: str = ""  # what a program asks for, where that must be said
    at_once: bool = False  # at a server that tells clients to ask for all scopes at once


@dataclass(frozen=True)
class Client:
    key: str
    name: str
    package: str  # where its version stands
    eras: list[str]  # what it speaks by itself, and what else it can be told to
    command: Callable[[Attempt, str, str, str, dict[str, str]], tuple[list[str], dict[str, str]]]

    @property
    def era(self) -> str:
        return self.eras[0]


def tool(name: str) -> str:
    return os.environ[name]


def is_program(column: str) -> bool:
    return column.endswith("program")


def python(attempt, era, column, url, env):
    return [tool("PYTHON"), str(HERE / ("client.py" if is_program(column) else "login.py")), era, url], {}


def fastmcp(attempt, era, column, url, env):
    return [tool("PYTHON"), str(HERE / "login_fastmcp.py"), era, url], {"BROWSER": f"{tool('BROWSER')} %s &"}


def typescript(line: str):
    def command(attempt, era, column, url, env):
        script = "client.mjs" if is_program(column) else "login.mjs"
        return [tool("NODE"), str(Path(tool("NPM_TOOLS")) / script), line, era, url], {}

    return command


def rust(attempt, era, column, url, env):
    return [tool("RUST"), era, url], {}


def in_shell(*words: str) -> list[str]:
    """A function of visits.sh."""
    read = 'log=$LOGIN_LOG; . "$HERE/../../scripts/lib.sh"; . "$HERE/servers.sh"; . "$HERE/visits.sh"; export LOGIN_LOG=$log; "$@"'
    return ["bash", "-euo", "pipefail", "-c", read, "visit", *words]


def inspector(attempt, era, column, url, env):
    how = "DCR" if column.endswith("dcr") else "CIMD" if column.endswith("cimd") else "known"
    words = {"CIMD": ["--client-metadata-url", env.get("MCP_CLIENT_METADATA_URL", "")], "known": ["--client-id", env.get("MCP_CLIENT_ID", "")]}
    words = words.get(how, []) + (["--client-secret", env["MCP_CLIENT_SECRET"]] if is_program(column) else [])
    return in_shell("inspect", how, *words), {"MCP_ERA": era}


def remote(attempt, era, column, url, env):
    words = ["--protocol", "auto"] if era == "modern" else []
    if column.endswith("cimd"):
        words += ["--client-metadata-url", env["MCP_CLIENT_METADATA_URL"]]
    elif known := env.get("MCP_CLIENT_ID"):
        secret = {"client_secret": env["MCP_CLIENT_SECRET"]} if is_program(column) else {}
        words += ["--static-oauth-client-info", json.dumps({"client_id": known, **secret})]
    if is_program(column):
        words += ["--client-credentials"]
        words += ["--static-oauth-client-metadata", '{"scope": "mcp:read mcp:tools"}'] if attempt.fails is None else []
    return in_shell("bridge", column, *words), {}


def ours(attempt, era, column, url, env):
    return in_shell("with_command"), {"MCP_ERA": era}


CLIENTS = [
    Client("python", "Python `mcp`", "mcp", ["auto", "legacy"], python),
    Client("fastmcp", "`fastmcp`", "fastmcp", ["auto", "legacy"], fastmcp),
    Client("typescript-2", "TypeScript `client`", "@modelcontextprotocol/client", ["legacy", "modern"], typescript("2")),
    Client("typescript-1", "TypeScript `sdk`", "@modelcontextprotocol/sdk", ["legacy"], typescript("1")),
    Client("rust", "Rust `rmcp`", "rmcp", ["modern", "legacy"], rust),
    Client("inspector", "Inspector, command line", "@modelcontextprotocol/inspector", ["legacy", "modern"], inspector),
    Client("remote", "`mcp-remote`", "mcp-remote", ["legacy", "modern"], remote),
    Client("ours", "our `mcp-auth`", "mcp-auth", ["auto", "legacy"], ours),
]

NOTES = {
    "either": "It answers a 403 with a refresh where it has a refresh token, and so never asks for more scope. It steps up as a client that "
    "gets none, and stays at what it got first as one that does: its fault.",
    "all-at-once": "As a client that registers itself it asks for all scopes of the server at once, so that there is nothing to step up to.",
    "all-at-once-by-default": "With `--protocol-era modern`. In the older era, its default, it asks for all scopes of the server at once.",
    "only-what-it-registered-with": "Step 9 runs with `--first-scope 'mcp:read mcp:tools mcp:prompts'`. Without it the client "
    "registers itself with the one scope that it is told to ask for first, Keycloak keeps it to that, and the step-up ends with "
    "`invalid_scope` (tried too).",
    "names-no-scope": "As a program it asks for no scope, and after a 403 for none either. Keycloak then gives none. It works when the "
    "scopes are named beforehand, as `scope` of its `ClientCredentialsProvider`.",
    "no-program": "It has no client credentials: with an id and a secret it opens a browser for a person all the same.",
    "named-scopes": "As a program it does not ask for more scope after a 403. It works when the scopes are named beforehand: "
    "`--static-oauth-client-metadata '{\"scope\": \"mcp:read mcp:tools\"}'`.",
}


def attempts(client: Client, column: str) -> list[Attempt]:
    """What is tried in this column, where that is not simply all."""
    if is_program(column):
        if client.key == "remote":
            return [Attempt(["tool"], "program", "named-scopes"), Attempt([], "program", fails="Unauthorized")]
        if client.key == "inspector":
            return [Attempt([], "program", "no-program", fails="browser: opened")]
        if (client.key, column) == ("typescript-1", "keycloak-program"):
            refused = Attempt([], "program", "names-no-scope", fails="403 after trying upscoping")
            return [Attempt(["tool"], "program", scope="mcp:read mcp:tools"), refused]
        return [Attempt(["tool"], "program")]
    if column == "keycloak-dcr" and client.key != "ours":
        first = Attempt(["tool", "refresh"], "refresh", at_once=True)
        if client.key == "inspector":  # it asks for all at once, whatever it is told
            return [Attempt(["tool", "refresh"], "refresh", "all-at-once")]
        return [first, Attempt([], note="only-what-it-registered-with", fails="Invalid scopes: ")]
    if (client.key, column) == ("typescript-1", "keycloak-known"):
        refused = Attempt([], note="either", fails="403 after trying upscoping")
        return [Attempt(["tool", "refresh"], "refresh", at_once=True), refused]
    if client.key == "typescript-1":
        return [Attempt(["tool", "step-up"], document="online"), Attempt(["refresh"], "refresh", "either")]
    if client.key == "inspector" and column.endswith("dcr"):
        return [Attempt(["tool", "refresh"], "refresh", "all-at-once")]
    if client.key == "inspector":
        return [Attempt(["tool", "step-up", "refresh"], "refresh", "all-at-once-by-default", era="modern")]
    return [Attempt(["tool", "step-up", "refresh"], "refresh")]
