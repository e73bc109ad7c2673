#!/usr/bin/env bash
# Can other people's clients use our servers? Starts the steps, and sends each client on a tour of them.
#
#   NODE=… NPM_TOOLS=… PYTHON=… tests/clients/run.sh     scripts/check_all.sh --only clients sets these
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/../../scripts/lib.sh"
: "${NODE:?}" "${NPM_TOOLS:?}" "${PYTHON:?}"
export INSPECTOR=$NPM_TOOLS/node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js
prepare
cp "$HERE/client.mjs" "$NPM_TOOLS/" # imports are looked for beside the file

# tour COMMAND…: one client, once; its failure is told, and the next one goes all the same.
tour() {
  CHECKS=$((CHECKS + 1))
  "$@" || { FAILURES=$((FAILURES + 1)) && printf 'FAILED: %s\n' "$*"; }
}

# everybody URL: each client in each era it speaks, with the caller that the environment describes.
everybody() {
  local era
  for era in modern legacy; do tour "$HERE/inspector.sh" "$era" "$1"; done
  programs "$1"
}

# programs URL: the clients that are libraries.
programs() {
  local era
  for era in modern auto legacy; do tour "$PYTHON" "$HERE/client.py" "$era" "$1"; done
  for era in modern legacy; do tour "$NODE" "$NPM_TOOLS/client.mjs" 2 "$era" "$1"; done
  tour "$NODE" "$NPM_TOOLS/client.mjs" 1 legacy "$1"
}

step() {
  start "step$1" "$(build "step$1" "step$1")" --port 0
}

say 'step 4: nobody is asked who he is'
step 4
everybody "$STARTED_URL"

say 'step 8: a token, or none'
step 8
URL=$STARTED_URL KEYS_DIR=$WORK/.workshop
token_for 8 "$URL"
MCP_EXPECT=refused everybody "$URL"
MCP_EXPECT=refused MCP_TOKEN=nonsense programs "$URL"
MCP_EXPECT=whoami MCP_TOKEN=$TOKEN everybody "$URL"

say 'step 8: an id, a secret and the bare URL'
MCP_CLIENT_ID=$(jq -r .client_id "$KEYS_DIR/client.json") MCP_CLIENT_SECRET=$(jq -r .client_secret "$KEYS_DIR/client.json") \
  MCP_ISSUER=${URL%/mcp} MCP_EXPECT=whoami programs "$URL"

[ "$FAILURES" -eq 0 ] || { say "$FAILURES of $CHECKS tours FAILED" && exit 1; }
say "$CHECKS tours, all ok"
