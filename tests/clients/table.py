"""Which client gets how far at which issuer? Visits that are started side by side, and the tables that come of them.

    python table.py visit PHASE      PHASE embedded, keycloak or documents: visits what the environment names (table.sh), and
                                     keeps what came of it in the folder WORK
    python table.py print            prints the tables
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import textwrap
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from door import Door
from table_clients import CLIENTS, COLUMNS, NOTES, PHASES, Attempt, Client, attempts

HERE, WORK = Path(__file__).parent, Path(os.environ.get("WORK", "."))
STEPS = ["tool", "step-up", "refresh"]
AT_ONCE = 8


@dataclass(frozen=True)
class Place:
    """Where a column is visited: a server, one that has clients ask for all scopes at once, and their issuer."""

    url: str
    at_once_url: str
    issuer: str

    @staticmethod
    def of(column: str) -> "Place":
        kind = next((kind for kind in ("program", "known") if column.endswith(kind)), "")
        prefix = f"{kind.upper()}_" if kind else ""
        return Place(*(os.environ.get(prefix + name, "") for name in ("URL", "AT_ONCE_URL", "ISSUER")))


def run(client: Client, attempt: Attempt, era: str | None, column: str, place: Place) -> tuple[int, str]:
    """One visit: the exit status, and what was said."""
    url = place.at_once_url if attempt.at_once else place.url
    home = Path(tempfile.mkdtemp(prefix=f"{client.key}-", dir=WORK))
    (home / "log").touch()
    known = json.loads(os.environ["KNOWN"]).get(column, {})
    env = {
        "HOME": str(home), "LOGIN_LOG": str(home / "log"), "MCP_ISSUER": place.issuer, "RESOURCE": url, "MCP_EXPECT": attempt.expect, "MCP_SCOPE": attempt.scope,
        "MCP_CLIENT_ID": known.get("client_id") or "", "MCP_CLIENT_SECRET": known.get("client_secret") or "",
        "MCP_CLIENT_METADATA_URL": "", "MCP_CONSENT": "given" if column == "keycloak-known" else "",
    }  # fmt: skip
    if attempt.at_once:
        env.update(MCP_ASKED="mcp:read mcp:tools mcp:prompts")
    if column.endswith("cimd"):
        env["MCP_CLIENT_METADATA_URL"] = f"{os.environ['DOCUMENTS']}/{home.name}/{attempt.document}.json"
    outside = {name: value for name, value in os.environ.items() if name not in env}
    env = {**outside, **{name: value for name, value in env.items() if value}}
    command, more = client.command(attempt, era or attempt.era or client.era, column, url, env)
    try:
        done = subprocess.run(
            command, env={**env, **more}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=150
        )
    except subprocess.TimeoutExpired as late:
        return 124, f"{(late.stdout or b'').decode('utf-8', 'replace')}\nnot at an end after 150 s"
    log = (home / "log").read_text(encoding="utf-8")
    return done.returncode, done.stdout + "".join(f"browser: {line}\n" for line in log.splitlines())


def cell(client: Client, column: str) -> dict:
    """How far the client gets in this column."""
    steps, notes, faults = set(), [], []
    for attempt in attempts(client, column):
        status, said = run(client, attempt, None, column, Place.of(column))
        if attempt.fails is None and status == 0:
            steps.update(attempt.steps)
        elif attempt.fails is None:
            faults.append(said)
        elif status == 0:
            faults.append(f"it can now what it could not; {attempt.note}")
        elif not re.search(attempt.fails, said):
            faults.append(f"it fails, and not because of /{attempt.fails}/\n{said}")
        if attempt.note:
            notes.append(attempt.note)
    return {"column": column, "client": client.key, "steps": [step for step in STEPS if step in steps], "notes": notes, "faults": faults}


def with_door(client: Client, era: str, get_is: int | None) -> dict:
    """What the client sends to a step 9 of its own; with `get_is`, to one that would answer a GET without a token so."""
    with Door(get_is) as door, tempfile.TemporaryDirectory(dir=WORK) as folder:
        settings = ["--port", str(door.upstream), "--public-url", door.url, "--login-port", "0", "--keys-dir", folder, "--host", "127.0.0.1"]
        server = subprocess.Popen([os.environ["STEP9"], *settings], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            url = server.stdout.readline().strip()
            while "log in at " not in (line := server.stdout.readline()):
                pass
            attempt = Attempt(STEPS[:2])
            status, said = run(client, attempt, era, "embedded-dcr", Place(url, "", line.split()[3]))
        finally:
            server.kill()
            server.wait()
    at_door = [seen for seen in door.seen if seen.path == "/mcp"]
    bare = [seen.status for seen in at_door if seen.method == "GET" and not seen.token]
    versions = sorted({seen.version for seen in at_door if seen.version and seen.token and seen.method == "POST"})
    return {"client": client.key, "era": era, "get_is": get_is, "versions": versions, "bare": bare, "faults": [] if status == 0 else [said]}


def visit(phase: str) -> list[dict]:
    """Everything of a phase, those that wait the longest first."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        work = []
        for column in PHASES[phase]:
            work += [pool.submit(cell, client, column) for client in CLIENTS]
        if phase == "embedded":
            for client in CLIENTS:
                work += [pool.submit(with_door, client, era, None) for era in client.eras]
                work.append(pool.submit(with_door, client, client.era, 405))
        results = []
        for each in work:
            result = each.result()
            word = "FAILED" if result["faults"] else "ok"
            what = result.get("column") or f"{result['era']}, GET {result['get_is'] or 'as it is'}"
            print(f"{word}: {result['client']}, {what}: {result.get('steps', result.get('versions'))}", flush=True)
            for fault in result["faults"]:
                print("    " + "\n    ".join(fault.splitlines()[-30:]), flush=True)
            results.append(result)
    return results


def versions() -> dict[str, str]:
    packages = json.loads((HERE / "package.json").read_text())["dependencies"]
    pins = dict(line.split("==") for line in (HERE / "requirements.txt").read_text().split() if "==" in line)
    locked = tomllib.loads((HERE / "rmcp" / "Cargo.lock").read_text())["package"]
    workspace = tomllib.loads((HERE.parent.parent / "Cargo.toml").read_text())["workspace"]["package"]
    packages["mcp-auth"] = workspace["version"]
    script = (HERE.parent.parent / "scripts" / "keycloak" / "distribution.sh").read_text()
    packages["keycloak"] = re.search("^KEYCLOAK_VERSION=(.+)$", script, re.MULTILINE)[1]
    return {**packages, **pins, **{package["name"]: package["version"] for package in locked if package["name"] == "rmcp"}}


def tables(results: list[dict]) -> str:
    version, numbers = versions(), {}
    number = lambda note: numbers.setdefault(note, len(numbers) + 1)
    names = {client.key: f"{client.name} {version[client.package]}" for client in CLIENTS}
    lines = [f"Servers: step 9 and `authorization` {version['mcp-auth']}, Keycloak {version['keycloak']}.", ""]
    lines += ["| client | " + " | ".join(COLUMNS.values()) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    cells = {(result["client"], result["column"]): result for result in results if "column" in result}
    for client in CLIENTS:
        row = [names[client.key]]
        for column in COLUMNS:
            result = cells[client.key, column]
            words = "FAILED" if result["faults"] else ", ".join(result["steps"]) or "no"
            row.append(" ".join([words, *(f"[{number(note)}]" for note in result["notes"])]))
        lines.append("| " + " | ".join(row) + " |")
    lines.append("")
    for note, count in numbers.items():
        lines += textwrap.wrap(f"{count}. {NOTES[note]}", 120, subsequent_indent="   ", break_long_words=False, break_on_hyphens=False)
    lines.append("")
    lines += ["| client | speaks | when told to | GET without a token | answered 401 | answered 405 |", "|---|---|---|---|---|---|"]
    doors = [result for result in results if "get_is" in result]
    for client in CLIENTS:
        mine = [result for result in doors if result["client"] == client.key]
        plain = {result["era"]: result for result in mine if result["get_is"] is None}
        closed = next(result for result in mine if result["get_is"] == 405)
        spoken = [" ".join(plain[era]["versions"]) for era in client.eras] + ["-"]
        asks = plain[client.era]["bare"] or closed["bare"]
        worked = ["FAILED" if result["faults"] else "works" for result in (plain[client.era], closed)]
        lines.append("| " + " | ".join([names[client.key], spoken[0], spoken[1], "yes" if asks else "no", *worked]) + " |")
    return "\n".join(lines)


def main() -> None:
    if sys.argv[1:] == ["print"]:
        results = [result for phase in PHASES for result in json.loads((WORK / f"{phase}.json").read_text())]
        print(tables(results))
        raise SystemExit(any(result["faults"] for result in results))
    phase = sys.argv[2]
    (WORK / f"{phase}.json").write_text(json.dumps(visit(phase)))


main()
