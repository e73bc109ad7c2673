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
cp "$HERE/login.mjs" "$NPM_TOOLS/" # imports are looked for beside the file

# visit COMMAND…: one client, once; its failure is told, and the next one goes all the same.
visit() {
  CHECKS=$((CHECKS + 1))
  "$@" 2>"$WORK/visit.err" || { FAILURES=$((FAILURES + 1)) && printf 'FAILED: %s\n' "$*" && tail -n 25 "$WORK/visit.err"; }
}

python() { visit "$PYTHON" "$HERE/login.py" "$1" "$RESOURCE"; }
typescript() { visit "$NODE" "$NPM_TOOLS/login.mjs" "$1" "$2" "$RESOURCE"; }

umask 077
cat >"$WORK/clients.json" <<'TEXT'
[{"client_id": "known", "redirect_uris": ["http://127.0.0.1/callback", "http://127.0.0.1/oauth/callback", "http://localhost/oauth/callback"]},
 {"client_id": "online", "redirect_uris": ["http://127.0.0.1/callback"], "grant_types": ["authorization_code"]},
 {"client_id": "secretive", "redirect_uris": ["http://127.0.0.1/callback"], "client_secret": "known to the two of them"}]
TEXT
start document "$PYTHON" "$HERE/document.py" "$WORK/authority.pem"
DOCUMENTS=$STARTED_URL
both --clients "$WORK/clients.json" --client-metadata-ca "$WORK/authority.pem" --dangerously-fetch-private-client-metadata --access-token-lifetime 10
export MCP_ISSUER=$ISSUER

say 'clients that register themselves'
for era in modern legacy; do
  python "$era"
  typescript 2 "$era"
done
typescript 1 legacy

say 'clients that are documents'
MCP_CLIENT_METADATA_URL=$DOCUMENTS/client.json python modern
MCP_CLIENT_METADATA_URL=$DOCUMENTS/client.json typescript 2 modern
MCP_CLIENT_METADATA_URL=$DOCUMENTS/online.json typescript 1 legacy

say 'clients that the operator knows'
MCP_CLIENT_ID=known python modern
MCP_CLIENT_ID=secretive MCP_CLIENT_SECRET='known to the two of them' python modern
MCP_CLIENT_ID=known typescript 2 modern
MCP_CLIENT_ID=online typescript 1 legacy

say 'the person says no'
export MCP_EXPECT=denied LOGIN_DECISION=deny
python modern
typescript 2 modern
typescript 1 legacy
unset LOGIN_DECISION

say 'the access token ends, and the client goes on'
export MCP_EXPECT=refresh
python modern
typescript 2 modern
typescript 1 legacy
unset MCP_EXPECT

[ "$FAILURES" -eq 0 ] || { say "$FAILURES of $CHECKS visits FAILED" && exit 1; }
say "$CHECKS visits, all ok"
