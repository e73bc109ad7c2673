#!/usr/bin/env bash
# Does our half of MCP pass the official conformance suite?
#
#   NODE=… NPM_TOOLS=… tests/clients/conformance.sh      scripts/check_all.sh --only conformance sets these
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/../../scripts/lib.sh"
: "${NODE:?}" "${NPM_TOOLS:?}"
prepare
start conformance "$(build common conformance --example)" --port 0
"$NODE" "$HERE/conformance.mjs" "$STARTED_URL" "$HERE/conformance.md" "$NPM_TOOLS/node_modules/@modelcontextprotocol/conformance/dist/index.js"
