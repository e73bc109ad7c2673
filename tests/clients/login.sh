#!/usr/bin/env bash
# Can somebody log in with other people's clients? Each goes from the bare URL of a server behind the layer to the result of a
# tool, with nothing prepared beforehand but what its way of registering needs.
#
#   NODE=… NPM_TOOLS=… PYTHON=… tests/clients/login.sh     scripts/check_all.sh --only login sets these
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/../../scripts/lib.sh"
. "$HERE/servers.sh"
. "$HERE/visits.sh"
: "${NODE:?}" "${NPM_TOOLS:?}" "${PYTHON:?}"
export BROWSER=$HERE/browser.py
prepare
need timeout
cp "$HERE/login.mjs" "$NPM_TOOLS/" # imports are looked for beside the file
RUST=$(rust_client)

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

inspector() { visit inspect "$@"; }
remote() { visit bridge "$@"; }
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
