#!/usr/bin/env bash
# Can somebody log in with other people's clients? Each goes from the bare URL of a server behind the layer to the result of a
# tool, with nothing prepared beforehand but what its way of registering needs.
#
#   NODE=… NPM_TOOLS=… PYTHON=… tests/clients/login.sh     scripts/check_all.sh --only login sets these
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/../../scripts/lib.sh"
. "$HERE/servers.sh"
: "${NODE:?}" "${NPM_TOOLS:?}" "${PYTHON:?}"
export BROWSER=$HERE/browser.py
prepare
need timeout
cp "$HERE/login.mjs" "$NPM_TOOLS/" # imports are looked for beside the file

# visit COMMAND…: one client, once; its failure is told, and the next one goes all the same.
visit() {
  local err
  err=$(mktemp "$WORK/visit.XXXXXX")
  CHECKS=$((CHECKS + 1))
  "$@" 2>"$err" || { FAILURES=$((FAILURES + 1)) && printf 'FAILED: %s\n' "$*" && tail -n 25 "$err"; }
}

# at_once COMMAND…: visits that mostly wait, each a word or several in quotes, side by side.
at_once() {
  local each pids=()
  for each in "$@"; do
    # shellcheck disable=SC2030,SC2086 # a shell of its own; several words
    (FAILURES=0 && $each && exit "$FAILURES") &
    pids+=("$!")
  done
  for each in "${pids[@]}"; do
    CHECKS=$((CHECKS + 1))
    # shellcheck disable=SC2031
    wait "$each" || FAILURES=$((FAILURES + 1))
  done
}

python() { visit timeout 90 "$PYTHON" "$HERE/login.py" "$1" "$RESOURCE"; }
typescript() { visit timeout 90 "$NODE" "$NPM_TOOLS/login.mjs" "$1" "$2" "$RESOURCE"; }

# inspector HOW ARGUMENTS…: the command line of the Inspector lists, steps up where it has not asked for all at once, calls,
# and goes on after the access token has ended. As a client that registers itself it asks for all that there is at once.
inspector() { visit inspect "$@"; }

inspect() {
  local how=$1 expires
  shift
  HOME=$(mktemp -d "$WORK/inspector.XXXXXX") LOGIN_LOG=$HOME/log
  INSPECT=(env HOME="$HOME" MCP_STORAGE_DIR="$HOME/storage" MCP_INSPECTOR_SECRET_STORE=file MCP_AUTO_OPEN_ENABLED=true LOGIN_LOG="$LOGIN_LOG" timeout 60
    "$NODE" "$NPM_TOOLS/node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js" --cli "$RESOURCE" --transport http
    --protocol-era modern --format json --callback-url "http://127.0.0.1:$(free_port)/oauth/callback" "$@")
  if [ "${MCP_EXPECT:-}" = denied ]; then
    ! "${INSPECT[@]}" --method tools/list </dev/null 2>"$HOME/err" || return 1
    cat "$HOME/err" >&2
    grep -q '"message":"the person has said no"' "$HOME/err" && say "ok: Inspector, $how, denied"
    return
  fi
  "${INSPECT[@]}" --method tools/list </dev/null | jq -e '[.result.tools[].name] | index("whoami")' >/dev/null || return 1
  "${INSPECT[@]}" --method tools/call --tool-name whoami <<<y >"$HOME/who" || return 1
  jq -e '.result.structuredContent | .subject == "mcp-admin" and (.scopes | index("mcp:tools"))' "$HOME/who" >/dev/null || return 1
  if [ "$how" = DCR ]; then asked 1; else asked 2; fi || return 1
  if [ "${MCP_EXPECT:-}" = refresh ]; then
    expires=$(jq .result.structuredContent.expires "$HOME/who")
    until_true 30 is_past $((expires + 3)) || return 1
    "${INSPECT[@]}" --method tools/call --tool-name whoami </dev/null | jq -e ".result.structuredContent.expires > $expires" >/dev/null || return 1
    asked 1 || return 1
  fi
  say "ok: Inspector, $how${MCP_EXPECT:+, $MCP_EXPECT}"
}

is_past() { [ "$(date +%s)" -gt "$1" ]; }

# asked TIMES: so often was somebody asked, and each time with a page to allow or deny: no client here can be known again.
asked() {
  local opened consents
  opened=$(grep -c '^opened: ' "$LOGIN_LOG") consents=$(grep -c '^consent: ' "$LOGIN_LOG") || true
  [ "$opened:$consents" = "$1:$1" ] || { cat "$LOGIN_LOG" >&2 && return 1; }
}

# remote HOW ARGUMENTS…: mcp-remote, a bridge for clients that speak stdio and cannot log in.
remote() { visit bridge "$@"; }

bridge() {
  local how=$1 home
  shift
  home=$(mktemp -d "$WORK/remote.XXXXXX")
  ln -s "$BROWSER" "$home/xdg-open"
  HOME=$home PATH=$home:$PATH LOGIN_LOG=$home/log "$PYTHON" "$HERE/stdio.py" "$NODE" \
    "$NPM_TOOLS/node_modules/mcp-remote/dist/proxy.js" "$RESOURCE" "$(free_port)" --transport http-only "$@" || return 1
  say "ok: mcp-remote, $how${MCP_EXPECT:+, $MCP_EXPECT}"
}

RUST=$(cd "$HERE/rmcp" && cargo build -q --locked --message-format=json |
  jq -r 'select(.reason == "compiler-artifact" and .target.name == "login").executable // empty') || die 'the Rust client cannot be built'
rust() { visit timeout 90 "$RUST" "$1" "$RESOURCE"; }

umask 077
cat >"$WORK/clients.json" <<'TEXT'
[{"client_id": "known", "redirect_uris": ["http://127.0.0.1/callback", "http://127.0.0.1/oauth/callback", "http://localhost/oauth/callback"]},
 {"client_id": "online", "redirect_uris": ["http://127.0.0.1/callback"], "grant_types": ["authorization_code"]},
 {"client_id": "secretive", "redirect_uris": ["http://127.0.0.1/callback"], "client_secret": "known to the two of them"}]
TEXT
start document "$PYTHON" "$HERE/document.py" "$WORK/authority.pem"
DOCUMENTS=$STARTED_URL
both --clients "$WORK/clients.json" --client-metadata-ca "$WORK/authority.pem" --dangerously-fetch-private-client-metadata --access-token-lifetime 10 \
  --no-rate-limits # so many people at one address
export MCP_ISSUER=$ISSUER

say 'clients that register themselves'
for era in modern legacy; do
  python "$era"
  typescript 2 "$era"
  rust "$era"
done
typescript 1 legacy
inspector DCR
remote DCR

say 'clients that are documents'
MCP_CLIENT_METADATA_URL=$DOCUMENTS/client.json python modern
MCP_CLIENT_METADATA_URL=$DOCUMENTS/client.json typescript 2 modern
MCP_CLIENT_METADATA_URL=$DOCUMENTS/client.json rust modern
MCP_CLIENT_METADATA_URL=$DOCUMENTS/online.json typescript 1 legacy
inspector CIMD --client-metadata-url "$DOCUMENTS/client.json"
remote CIMD --client-metadata-url "$DOCUMENTS/client.json"

say 'clients that the operator knows'
MCP_CLIENT_ID=known python modern
MCP_CLIENT_ID=secretive MCP_CLIENT_SECRET='known to the two of them' python modern
MCP_CLIENT_ID=known typescript 2 modern
MCP_CLIENT_ID=known rust modern
MCP_CLIENT_ID=online typescript 1 legacy
inspector 'known beforehand' --client-id known
remote 'known beforehand' --static-oauth-client-info '{"client_id": "known"}'

say 'the person says no'
export MCP_EXPECT=denied LOGIN_DECISION=deny
python modern
rust modern
typescript 2 modern
typescript 1 legacy
inspector DCR
remote DCR
unset LOGIN_DECISION

say 'the access token ends, and the client goes on'
export MCP_EXPECT=refresh
at_once 'python modern' 'rust modern' 'typescript 2 modern' 'typescript 1 legacy' 'inspector DCR' 'remote DCR'
unset MCP_EXPECT

[ "$FAILURES" -eq 0 ] || { say "$FAILURES of $CHECKS visits FAILED" && exit 1; }
say "$CHECKS visits, all ok"
