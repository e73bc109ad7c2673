#!/usr/bin/env bash
# Which client gets how far at which issuer? From the bare URL of step 9 to the result of a tool, with nothing prepared but what
# the column says; what came of it stands in docs/clients.md, between two comments.
#
#   NODE=… NPM_TOOLS=… PYTHON=… tests/clients/table.sh [--bless]     scripts/check_all.sh --only table sets these
#   --bless                 writes it there; without it, the run fails when something else came of it
#   TABLE_KEYCLOAK_PORT=…   of the Keycloak that is started for this, and stopped [default: 18100]
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/../../scripts/lib.sh"
. "$HERE/servers.sh"
. "$HERE/visits.sh"
. "$HERE/request.sh"
. "$HERE/../../scripts/cache.sh"
. "$HERE/../../scripts/keycloak/distribution.sh"
: "${NODE:?}" "${NPM_TOOLS:?}" "${PYTHON:?}"
PAGE=$ROOT/docs/clients.md
LIFETIME=15 # seconds that access tokens are good for: longer than a login takes, shorter than anybody likes to wait
PORT=${TABLE_KEYCLOAK_PORT:-18100}

case ${1:-} in
  '' | --bless) BLESS=${1:-} ;;
  --help | -h) sed -n '2,8s/^# \{0,1\}//p' "$0" && exit 0 ;;
  *) sed -n '2,8s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
esac

prepare
need timeout
umask 077
cp "$HERE/login.mjs" "$HERE/client.mjs" "$NPM_TOOLS/" # imports are looked for beside the file
STEP9=${STEP9:-$(build step9 step9)} SERVER=${SERVER:-$(build mcp-auth-server authorization)} RUST=${RUST:-$(rust_client)}
OURS=${OURS:-$(build mcp-auth-cli mcp-auth)}
AT_ONCE_URL='' KNOWN_URL='' KNOWN_AT_ONCE_URL='' KNOWN_ISSUER='' AUDIENCE='' BROWSER=$HERE/browser.py KNOWN='{}' KC_TRUSTSTORE_PATHS=$WORK/authority.pem
export HERE WORK NODE NPM_TOOLS PYTHON STEP9 RUST OURS BROWSER KNOWN KC_TRUSTSTORE_PATHS

# visits PHASE: those of table.py, to the servers that the environment names. What failed is in the table.
visits() {
  say "visits: $1 (after $SECONDS s)"
  export AUDIENCE URL ISSUER AT_ONCE_URL PROGRAM_URL PROGRAM_ISSUER KNOWN_URL KNOWN_AT_ONCE_URL KNOWN_ISSUER DOCUMENTS KNOWN
  "$PYTHON" "$HERE/table.py" visit "$1"
}

keycloak() { "$ROOT/scripts/keycloak.sh" "$@" --port "$PORT"; }

# keycloak_with ARGUMENTS…: a Keycloak where nothing has happened yet, and step 9, which trusts it.
keycloak_with() {
  keycloak stop >"$WORK/keycloak.log" 2>&1
  keycloak reset >>"$WORK/keycloak.log" 2>&1
  keycloak start --engine java "$@" >>"$WORK/keycloak.log" 2>&1 || die "Keycloak did not start: $(tail -n 5 "$WORK/keycloak.log")"
  ISSUER=http://localhost:$PORT/realms/mcp-realm AUDIENCE=http://localhost:9000/mcp
  two_servers
  URL=$SERVER_URL AT_ONCE_URL=$AT_ONCE PROGRAM_URL=$SERVER_URL PROGRAM_ISSUER=$ISSUER
}

# two_servers: step 9 twice, which take the tokens of $ISSUER for $AUDIENCE: one that tells clients to ask for the least first, one
# that has them ask for all at once.
two_servers() {
  set -- --port 0 --leeway 2 --issuer "$ISSUER" --audience "$AUDIENCE"
  start server "$STEP9" "$@"
  SERVER_URL=$STARTED_URL
  start at-once "$STEP9" "$@" --first-scope 'mcp:read mcp:tools mcp:prompts'
  AT_ONCE=$STARTED_URL
}

# as_requested: beside the realm of the workshop, that of a company which has done what keycloak/change-request.md asks for.
as_requested() {
  local ISSUER=http://localhost:$PORT/realms/company
  KCADM=$(VERSION=$KEYCLOAK_VERSION built_in)/bin/kcadm.sh
  export KCADM KEYCLOAK=http://localhost:$PORT REALM=company MCP_URL=$AUDIENCE
  stock_realm
  person mcp-admin admin123 >/dev/null 2>&1
  as_written 'With kcadm' 2
  # once beforehand: where one person allows the same client several times at once, Keycloak answers 500
  LOGIN_PERSON=mcp-admin LOGIN_PASSWORD=admin123 python3 "$HERE/code_flow.py" "$ISSUER" "$MCP_URL" 'mcp:read mcp:tools mcp:prompts offline_access' >/dev/null
  two_servers
  KNOWN_URL=$SERVER_URL KNOWN_AT_ONCE_URL=$AT_ONCE KNOWN_ISSUER=$ISSUER
}

# forgets_soon REALM: from now on its access tokens are good for a short time.
forgets_soon() {
  local token
  token=$(curl -fsS --noproxy '*' "http://localhost:$PORT/realms/master/protocol/openid-connect/token" -d grant_type=password -d client_id=admin-cli \
    -d username=admin -d password=admin | jq -r .access_token)
  curl -fsS --noproxy '*' -X PUT "http://localhost:$PORT/admin/realms/$1" -H "authorization: Bearer $token" -H 'content-type: application/json' \
    -d "{\"accessTokenLifespan\": $LIFETIME}"
}

# Whatever becomes of this run, the Keycloak that it has started ends with it.
over() {
  local status=$?
  set +e # a failure of the run must not end this
  keycloak stop >/dev/null 2>&1
  (exit "$status")
  cleanup
}

start document "$PYTHON" "$HERE/document.py" "$WORK/authority.pem"
DOCUMENTS=$STARTED_URL

# Step 9 by itself, whose program has a secret; and step 9 with the same authorization server as a program of its own, which can
# be told to forget access tokens soon and to believe the certificate of our documents.
start own "$STEP9" --port 0 --leeway 2 --keys-dir "$WORK/own"
PROGRAM_URL=$STARTED_URL PROGRAM_ISSUER=$(sed -n 's/^log in at \([^ ]*\).*/\1/p' "$WORK/own.out")
cat >"$WORK/clients.json" <<'TEXT'
[{"client_id": "unused", "redirect_uris": ["http://127.0.0.1/callback"]}]
TEXT
port=$(free_port)
start authorization "$SERVER" --port 0 --data "$WORK/data" --clients "$WORK/clients.json" --resource "http://localhost:$port/mcp" --no-rate-limits \
  --client-metadata-ca "$WORK/authority.pem" --dangerously-fetch-private-client-metadata --access-token-lifetime "$LIFETIME"
ISSUER=$STARTED_URL
start server "$STEP9" --port "$port" --leeway 2 --issuer "$ISSUER"
URL=$STARTED_URL
KNOWN=$(jq -c '{"embedded-program": .}' "$WORK/own/client.json")
visits embedded

trap over EXIT
KNOWN='{"keycloak-known": {"client_id": "mcp-client"}, "keycloak-program": {"client_id": "mcp-service", "client_secret": "service-secret-of-the-workshop"}}'
keycloak_with
visits programs
as_requested
forgets_soon mcp-realm
forgets_soon company
visits keycloak
KNOWN='{}'
keycloak_with --cimd
forgets_soon mcp-realm
visits documents

"$PYTHON" "$HERE/table.py" print >"$WORK/table.md" || { cat "$WORK/table.md" && die 'some visits FAILED; what they said stands above'; }
# between FILE: what stands there, with the table that was measured between the two comments
between() {
  [ "$(grep -c '^<!-- table: \(begin\|end\) -->$' "$1")" = 2 ] || die "$1 has no place for the table"
  awk -v table="$WORK/table.md" '/^<!-- table: end/ { while ((getline line < table) > 0) print line; inside = 0 }
    !inside { print }
    /^<!-- table: begin/ { inside = 1 }' "$1"
}
between "$PAGE" >"$WORK/page.md"
if [ -n "$BLESS" ]; then
  cp "$WORK/page.md" "$PAGE"
else
  diff -u "$PAGE" "$WORK/page.md" || die 'something else came of it than docs/clients.md says; if that is meant: --bless, and say so in the commit'
fi
say "the table of docs/clients.md, in $SECONDS s"
