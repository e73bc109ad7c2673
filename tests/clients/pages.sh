#!/usr/bin/env bash
# Do the pages of the authorization server work in Chromium?
#
#   NODE=… NPM_TOOLS=… tests/clients/pages.sh     scripts/check_all.sh --only browser sets these
#   CHROMIUM=…      another program than `chromium`
#   PAGES_SHOTS=…   a folder for pictures of the pages
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/../../scripts/lib.sh"
. "$HERE/servers.sh"
: "${NODE:?}" "${NPM_TOOLS:?}"
CHROMIUM=${CHROMIUM:-$(command -v chromium)} || die 'there is no chromium'
prepare
cp "$HERE/chromium.mjs" "$HERE/pages.mjs" "$NPM_TOOLS/" # imports are looked for beside the file

umask 077
cat >"$WORK/clients.json" <<'TEXT'
[{"client_id": "desk", "client_name": "A program on a desk", "redirect_uris": ["http://127.0.0.1/callback"]},
 {"client_id": "tidy", "client_name": "A program with a secret", "client_secret": "which nobody here needs", "redirect_uris": ["http://127.0.0.1/callback"]},
 {"client_id": "wordy", "client_name": "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft, Wien und Budapest",
  "redirect_uris": ["http://127.0.0.1/callback"]}]
TEXT
both --clients "$WORK/clients.json" --no-rate-limits
[ -z "${PAGES_SHOTS:-}" ] || mkdir -p "$PAGES_SHOTS"
"$NODE" "$NPM_TOOLS/pages.mjs" "$ISSUER" "$RESOURCE" "$CHROMIUM"
