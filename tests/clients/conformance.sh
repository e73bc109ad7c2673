#!/usr/bin/env bash
# Do servers pass the official conformance suite: our half of MCP, and the official Rust SDK, plain and behind our layer?
#
#   NODE=… NPM_TOOLS=… tests/clients/conformance.sh      scripts/check_all.sh --only conformance sets these
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/../../scripts/lib.sh"
: "${NODE:?}" "${NPM_TOOLS:?}"
prepare
SUITE=$NPM_TOOLS/node_modules/@modelcontextprotocol/conformance/dist/index.js

# suite URL SECTION: all that is not left out in this section of conformance.md.
suite() {
  say "$2"
  "$NODE" "$HERE/conformance.mjs" "$1" "$HERE/conformance.md" "$2" "$SUITE" || FAILURES=$((FAILURES + 1))
}

start ours "$(build common conformance --example)" --port 0
suite "$STARTED_URL" 'Our half of MCP'

SDK=$(build mcp-auth rmcp_conformance --example)
export TMPDIR=$WORK # the keys of an issuer in process go with our folder
start plain "$SDK" --plain
suite "$STARTED_URL" 'The official Rust SDK'

say 'the same, behind the layer'
start guarded "$SDK"
TOKEN=$(sed -n 2p "$WORK/guarded.out") URL=$STARTED_URL
[ "$(curl -s -o /dev/null -w '%{http_code}' -X POST "$URL")" = 401 ] || die 'the guarded server asks for no token'
MCP_TOKEN=$TOKEN start inject "$NODE" "$HERE/inject.mjs" "$URL"
suite "$STARTED_URL" 'The official Rust SDK'

[ "$FAILURES" -eq 0 ] || { say "$FAILURES runs FAILED" && exit 1; }
