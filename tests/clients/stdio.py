"""Is a bridge from stdio to a server that asks for a token any good? Starts it, speaks MCP to it, and logs in through it.

    python stdio.py COMMAND…     the bridge; it opens the browser by `xdg-open`, in LOGIN_LOG stands how often
    MCP_EXPECT=denied            the person says no: the bridge must say so on stderr and serve nothing
    MCP_EXPECT=refresh           waits until the access token has ended, and goes on
    MCP_ASKED="SCOPE …"          the person is asked for these at once, and not again for the tool
    MCP_EXPECT=program           there is no person: the bridge calls the tool as the client MCP_CLIENT_ID
"""

import json
import os
import queue
import subprocess
import sys
import threading
import time

COMMAND, EXPECTED = sys.argv[1:], os.environ.get("MCP_EXPECT")
AT_ONCE = sorted(os.environ.get("MCP_ASKED", "").split())
VERSION = "2025-11-25"
bridge = subprocess.Popen(
    COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE if EXPECTED == "denied" else None, text=True
)
lines: queue.Queue = queue.Queue()


def read() -> None:
    for line in bridge.stdout:
        lines.put(json.loads(line))
    lines.put(None)


def check(kept: bool, sentence: str) -> None:
    if not kept:
        bridge.kill()
        raise SystemExit(f"FAILED: {os.path.basename(COMMAND[0])}: {sentence}")


def send(message: dict) -> None:
    bridge.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    bridge.stdin.flush()


def ask(number: int, method: str, params: dict) -> dict | None:
    """The answer, or None when the bridge has ended."""
    send({"id": number, "method": method, "params": params})
    end = time.monotonic() + 40
    while True:
        try:
            line = lines.get(timeout=max(0.1, end - time.monotonic()))
        except queue.Empty:
            check(False, f"{method} is not answered")
        if line is None or line.get("id") == number:
            return line


def whoami(number: int) -> dict:
    answer = ask(number, "tools/call", {"name": "whoami", "arguments": {}})
    check(answer is not None and "result" in answer, f"whoami is answered with {answer}")
    return answer["result"]["structuredContent"]


def opened() -> list[str]:
    with open(os.environ["LOGIN_LOG"], encoding="utf-8") as log:
        return [line for line in log if line.startswith("opened: ")]


def denied() -> None:
    """It hears the no while it still opens the browser, or later: then it waits for another answer. It must tell the person."""
    watch = threading.Timer(40, bridge.kill)
    watch.start()
    said = next((line for line in bridge.stderr if "access_denied" in line), None)
    watch.cancel()
    check(said is not None and "the person has said no" in said, "the person said no, and the bridge does not say so")
    check(not any("result" in (line or {}) for line in lines.queue), "the person said no, and the bridge serves")


threading.Thread(target=read, daemon=True).start()
hello = {"protocolVersion": VERSION, "capabilities": {}, "clientInfo": {"name": "stdio", "version": "1"}}
if EXPECTED == "denied":
    send({"id": 1, "method": "initialize", "params": hello})
    denied()
else:
    hello = ask(1, "initialize", hello)
    check(hello is not None and hello.get("result", {}).get("protocolVersion") == VERSION, f"initialize is answered with {hello}")
    send({"method": "notifications/initialized"})
    tools = [tool["name"] for tool in ask(2, "tools/list", {})["result"]["tools"]]
    check("whoami" in tools, f"tools/list has {tools}")
    who = whoami(3)
    if EXPECTED == "program":
        check(who["client"] == os.environ["MCP_CLIENT_ID"], f"whoami says {who}")
        bridge.kill()
        raise SystemExit(0)
    scopes = sorted(scope for scope in who["scopes"] if scope.startswith("mcp:"))  # an issuer may have others
    check("mcp-admin" in (who["subject"], who.get("name")) and scopes == (AT_ONCE or ["mcp:read", "mcp:tools"]), f"whoami says {who}")
    times = 1 if AT_ONCE else 2
    check(len(opened()) == times, f"the browser was opened {len(opened())} times, not {times}: for the login, and for the scope of the tool")
    if EXPECTED == "refresh":
        while time.time() <= who["expires"] + 3:  # the server takes a token for 2 s longer
            time.sleep(0.2)
        check(whoami(4)["expires"] > who["expires"], "the token is the old one")
        check(len(opened()) == times, "the person was asked again")
bridge.stdin.close()
bridge.terminate()
bridge.wait(20)
