#!/usr/bin/env bash
# Does a person get from a link to a tool, in Chromium: by `mcp-auth login`, and in the page of the official Inspector; at the
# login of step 9 itself, and at a Keycloak?
#
#   NODE=… NPM_TOOLS=… tests/clients/logins.sh [own|keycloak]     scripts/check_all.sh --only logins sets these
#   CHROMIUM=…      another program than `chromium`
#   PAGES_SHOTS=…   a folder for pictures of the pages
#   ISSUER=…        of a Keycloak that runs already, with the realm of scripts/keycloak.sh; otherwise one is started, and stopped
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/../../scripts/cache.sh"
# shellcheck disable=SC2153 # of cache.sh
CACHED=$CACHE
RUNNING=${ISSUER:-}
. "$HERE/../../scripts/lib.sh"
. "$HERE/servers.sh"
: "${NODE:?}" "${NPM_TOOLS:?}"
CHROMIUM=${CHROMIUM:-$(command -v chromium)} || die 'there is no chromium'
case ${1:-} in
  '' | own | keycloak) ;;
  *) sed -n '2,9s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
esac
prepare
export MCP_AUTH_CACHE=$CACHED
cp "$HERE/"{chromium,command,inspector_page,logins,page_client}.mjs "$NPM_TOOLS/" # imports are looked for beside the file
STEP9=${STEP9:-$(build step9 step9)} OURS=${OURS:-$(build mcp-auth-cli mcp-auth)}
export OURS CHROMIUM
[ -z "${PAGES_SHOTS:-}" ] || mkdir -p "$PAGES_SHOTS"
need python3
ORIGIN_PORT=$(free_port)
PORT='' # of the Keycloak that is started here, and stopped

keycloak() { "$ROOT/scripts/keycloak.sh" "$@" --port "$PORT"; }

# Whatever becomes of this run, the Keycloak that it has started ends with it.
over() {
  local status=$?
  set +e # or the failure would end this too
  if [ -n "$PORT" ]; then
    keycloak stop >/dev/null 2>&1
    rm -rf "$MCP_AUTH_CACHE/keycloak/run-$PORT"
  fi
  (exit "$status")
  cleanup
}
trap over EXIT

# inspector NAME: the Inspector for the server at $RESOURCE, as a page on this machine. Sets PAGE.
inspector() {
  local port home=$WORK/inspector-$1
  port=$(free_port)
  mkdir "$home"
  (
    cd "$home"
    export HOME=$home MCP_STORAGE_DIR=$home/storage MCP_INSPECTOR_SECRET_STORE=file MCP_AUTO_OPEN_ENABLED=false CLIENT_PORT=$port MCP_SANDBOX_PORT=0
    exec "$NODE" "$NPM_TOOLS/node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js" --web --server-url "$RESOURCE" \
      --transport http >"$home.out" 2>&1 </dev/null
  ) &
  PIDS+=("$!")
  until_true 60 says "$home.out" 'http://127.0.0.1:.*API_TOKEN=' || die "the Inspector has no page: $(tail -n 5 "$home.out")"
  PAGE=$(sed -n 's|^ *\(http://127.0.0.1:[^ ]*API_TOKEN=[^ ]*\).*|\1|p' "$home.out" | head -n 1)
}

# visits KIND: those of logins.mjs, to the servers that are there.
visits() {
  say "$1"
  RESOURCE=$RESOURCE AUDIENCE=$AUDIENCE ISSUER=$ISSUER KIND=$1 PAGE=$PAGE ORIGIN_PORT=$ORIGIN_PORT LOGINS=$WORK "$NODE" "$NPM_TOOLS/logins.mjs" || FAILURES=$((FAILURES + 1))
}

if [ "${1:-own}" = own ]; then
  start own "$STEP9" --port 0 --keys-dir "$WORK/own" --allow-origin "http://127.0.0.1:$ORIGIN_PORT"
  RESOURCE=$STARTED_URL AUDIENCE='' ISSUER=$(sed -n 's/^log in at \([^ ]*\).*/\1/p' "$WORK/own.out")
  inspector own
  visits own
fi

# A client that registers itself there never gets more than it asked for first.
if [ "${1:-keycloak}" = keycloak ]; then
  ISSUER=$RUNNING AUDIENCE=http://localhost:9000/mcp
  if [ -z "$RUNNING" ]; then
    PORT=$(free_port)
    ISSUER=http://localhost:$PORT/realms/mcp-realm
    keycloak start --engine java --audience "$AUDIENCE" >"$WORK/keycloak.log" 2>&1 || die "Keycloak does not start: $(tail -n 5 "$WORK/keycloak.log")"
  fi
  start server "$STEP9" --port 0 --issuer "$ISSUER" --audience "$AUDIENCE" --roles /realm_access/roles --first-scope 'mcp:read mcp:tools'
  RESOURCE=$STARTED_URL
  inspector keycloak
  visits keycloak
fi

[ "$FAILURES" -eq 0 ] || exit 1
