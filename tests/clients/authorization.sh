#!/usr/bin/env bash
# Does the authorization server pass what others have written to test such servers? The official conformance suite, and the
# tests of MCPJam's SDK, with a browser that is not their own.
#
#   NODE=… NPM_TOOLS=… MCPJAM=… PYTHON=… tests/clients/authorization.sh     scripts/check_all.sh --only authorization sets these
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/../../scripts/lib.sh"
. "$HERE/servers.sh"
: "${NODE:?}" "${NPM_TOOLS:?}" "${MCPJAM:?}" "${PYTHON:?}"
export BROWSER=$HERE/browser.py
prepare
need python3 timeout
cp "$HERE/mcpjam/mcpjam.mjs" "$MCPJAM/" # imports are looked for beside the file
SUITE=$NPM_TOOLS/node_modules/@modelcontextprotocol/conformance/dist/index.js

asks_browser() { grep -q "^$ISSUER/authorize?" "$1"; }
asks_browser_or_ended() { asks_browser "$1" || ! kill -0 "$2" 2>/dev/null; }

# suite SENTENCE ARGUMENTS…: every scenario of the suite's mode `authorization`; each of their checks must succeed.
suite() {
  local sentence=$1 log=$WORK/suite.log results wanted port pid seen ran
  shift
  results=$(mktemp -d "$WORK/results.XXXXXX")
  wanted=$("$NODE" "$SUITE" list --authorization | sed -n 's/^  - \([^ ]*\).*/\1/p' | sort)
  [ -n "$wanted" ] || die 'the suite has no scenarios for authorization servers'
  port=$(free_port)
  : >"$log"
  "$NODE" "$SUITE" authorization --url "$ISSUER" --port "$port" -o "$results" "$@" >"$log" 2>&1 </dev/null &
  pid=$!
  PIDS+=("$pid")
  until_true 30 asks_browser_or_ended "$log" "$pid" || die 'the suite did not say where to log in'
  if asks_browser "$log"; then
    "$HERE/browser.py" "$(grep "^$ISSUER/authorize?" "$log")" || kill "$pid"
  fi
  wait "$pid" || true
  seen=$(find "$results" -name checks.json -exec jq -r '.[] | "\(.status) \(.id) \(.errorMessage // "")"' {} +)
  CHECKS=$((CHECKS + 1))
  ran=$(find "$results" -name checks.json | sed 's|.*/authorization-server-||; s/-[0-9]\{4\}-[0-9][0-9]-[0-9][0-9]T.*//' | sort)
  if [ "$ran" = "$wanted" ] &&
    ! grep -v '^SUCCESS ' <<<"$seen"; then
    say "ok: $sentence: $(wc -l <<<"$seen") checks"
  else
    FAILURES=$((FAILURES + 1))
    say "FAILED: $sentence: every scenario is to run, and every check to succeed:" && tail -n 20 "$log"
  fi
}

# mcpjam STRATEGY: what it measures of itself stays here, and it must fetch a document as our server does.
mcpjam() {
  CHECKS=$((CHECKS + 1))
  DO_NOT_TRACK=1 NODE_EXTRA_CA_CERTS=$WORK/authority.pem timeout 90 "$NODE" "$MCPJAM/mcpjam.mjs" "$1" "$RESOURCE" || FAILURES=$((FAILURES + 1))
}

# public_client: its id. The suite sends no secret to a server that knows clients without one, so it cannot be one that has a secret.
public_client() { register suite http://127.0.0.1/callback none | jq -r .client_id; }

umask 077
cat >"$WORK/clients.json" <<'TEXT'
[{"client_id": "suite", "redirect_uris": ["http://127.0.0.1/callback"]}]
TEXT
start document "$PYTHON" "$HERE/document.py" "$WORK/authority.pem"
DOCUMENTS=$STARTED_URL
both --clients "$WORK/clients.json" --client-metadata-ca "$WORK/authority.pem" --dangerously-fetch-private-client-metadata --no-rate-limits
suite 'a client that has registered itself' --resource "$RESOURCE" --client-id "$(public_client)"
suite 'a client that names no resource' --client-id "$(public_client)"
suite 'a client that the operator knows' --resource "$RESOURCE" --client-id suite
LOGIN_PERSON=mcp-guest LOGIN_PASSWORD=guest123 suite 'a person who may do little' --client-id suite
mcpjam dcr
MCP_CLIENT_METADATA_URL=$DOCUMENTS/client.json mcpjam cimd
MCP_CLIENT_ID=suite mcpjam preregistered

port=$(free_port)
both --port "$port" --issuer "http://localhost:$port/tenants/one"
suite 'an issuer with a path' --resource "$RESOURCE" --client-id "$(public_client)"

[ "$FAILURES" -eq 0 ] || { say "$FAILURES of $CHECKS runs FAILED" && exit 1; }
say "$CHECKS runs, all ok"
