#!/usr/bin/env bash
# Does a stranger's realm do what keycloak/change-request.md asks for, after its commands and nothing else? They are read from
# the page and run on a realm as Keycloak makes it; then people log in with the client of the page.
#
#   KEYCLOAK=http://localhost:8080 KCADM=…/bin/kcadm.sh tests/clients/change_request.sh     scripts/check_all.sh --only keycloak sets these
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/../../scripts/lib.sh"
. "$HERE/servers.sh"
: "${KEYCLOAK:?}" "${KCADM:?}"
prepare
need python3
STEP=${STEP9:-$(build step9 step9)} COMMAND=${COMMAND:-$(build mcp-auth-cli mcp-auth)}
REALM=company-$$ ISSUER=$KEYCLOAK/realms/company-$$
PORT=$(free_port)
MCP_URL=http://localhost:$PORT/mcp
export KC_OPTS="-Duser.home=$WORK" # where kcadm keeps that it is logged in

# check SENTENCE COMMAND…
check() {
  local sentence=$1
  shift
  CHECKS=$((CHECKS + 1))
  if "$@" >"$WORK/check" 2>&1; then say "ok: $sentence"; else FAILURES=$((FAILURES + 1)) && say "FAILED: $sentence" && tail -n 20 "$WORK/check"; fi
}

# block HEADING N: the Nth block of shell under this heading of the page.
block() {
  awk -v heading="## $1" -v wanted="$2" '/^## / { inside = $0 == heading } inside && /^```sh$/ { n++; next } /^```/ { open = 0 }
    inside && n == wanted && !/^```/ && !done { print } inside && n == wanted && /^```$/ { done = 1 }' "$ROOT/keycloak/change-request.md"
}

# as_written HEADING N: runs it, with the values that the page tells the reader to set.
as_written() {
  block "$@" >"$WORK/block"
  [ -s "$WORK/block" ] || die "the page has no block $2 under $1"
  CHECKS=$((CHECKS + 1))
  REALM=$REALM MCP_URL=$MCP_URL KCADM=$KCADM bash -euo pipefail "$WORK/block" >"$WORK/said" 2>&1 || die "block $2 of \"$1\" failed: $(cat "$WORK/said")"
  say "ok: \"$1\", block $2"
}

# person NAME: somebody who can log in.
person() {
  "$KCADM" create users -r "$REALM" -s username="$1" -s enabled=true -s email="$1@example.com" -s emailVerified=true -s firstName=A -s lastName=Person
  "$KCADM" set-password -r "$REALM" --username "$1" --new-password "secret of $1"
}

# logs_in NAME SCOPE: sets ANSWER, what the client gets, and CLAIMS, what is in the access token.
logs_in() {
  ANSWER=$(LOGIN_PERSON=$1 LOGIN_PASSWORD="secret of $1" LOGIN_LOG=$WORK/pages python3 "$HERE/code_flow.py" "$ISSUER" "$MCP_URL" "$2") || die "$1 cannot log in"
  MCP_TOKEN=$(jq -r .access_token <<<"$ANSWER")
  CLAIMS=$(jq -r '.access_token | split(".")[1] | gsub("-"; "+") | gsub("_"; "/") | @base64d' <<<"$ANSWER")
  export MCP_TOKEN
}

has() { jq -e "$1" <<<"$CLAIMS"; }
calls() { "$COMMAND" call "$MCP_URL" tools call echo message=hello >"$WORK/call" 2>&1; }
is_hello() { calls && grep -qx hello "$WORK/call"; }
is_forbidden() { ! calls && grep -q 'needs the scope mcp:tools' "$WORK/call"; }

# page STATUS REDIRECT: what Keycloak answers a client that wants the code there.
page() {
  local challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM got # of the verifier in RFC 7636 B
  got=$(curl -s -o /dev/null -w '%{http_code}' -G "$ISSUER/protocol/openid-connect/auth" -d client_id=mcp-client -d response_type=code -d scope=mcp:read \
    -d "code_challenge=$challenge" -d code_challenge_method=S256 --data-urlencode "redirect_uri=$2")
  [ "$got" = "$1" ] || { say "it answers $got" && return 1; }
}

# without_pkce: a login that names no challenge comes back with an error.
without_pkce() {
  curl -s -o /dev/null -w '%{redirect_url}' -G "$ISSUER/protocol/openid-connect/auth" -d client_id=mcp-client -d response_type=code -d scope=mcp:read \
    --data-urlencode redirect_uri=http://127.0.0.1:33418/callback | grep -q 'error=invalid_request&error_description=Missing+parameter%3A+code_challenge_method'
}

"$KCADM" config credentials --server "$KEYCLOAK" --realm master --user "${KC_BOOTSTRAP_ADMIN_USERNAME:-admin}" --password "${KC_BOOTSTRAP_ADMIN_PASSWORD:-admin}" 2>/dev/null
"$KCADM" create realms -s realm="$REALM" -s enabled=true >/dev/null 2>&1
person alice >/dev/null 2>&1
person bob >/dev/null 2>&1
block 'With kcadm' 1 >"$WORK/first"
for name in REALM MCP_URL KCADM; do check "the page says what $name is" grep -q "^$name=" "$WORK/first"; done
as_written 'With kcadm' 2
start server "$STEP" --port "$PORT" --issuer "$ISSUER"

logs_in alice 'mcp:read mcp:tools mcp:prompts'
check 'the token is for the server' has ".aud | [.] | flatten | index(\"$MCP_URL\")"
check 'it says whom it is about' has '.sub | length > 0'
check 'it has the three scopes' has '.scope | split(" ") | contains(["mcp:read", "mcp:tools", "mcp:prompts"])'
check 'and the server answers' is_hello
check 'the person was asked, in words' grep -q '^consent: .*Use its tools' "$WORK/pages"
logs_in alice 'mcp:read'
check 'who asks for less gets less' has '.scope | split(" ") | (index("mcp:read") and (index("mcp:tools") | not))'
check 'and is told what is missing' is_forbidden
logs_in alice openid
check 'who asks for none of the three has a token for nobody here' has ".aud | [.] | flatten | index(\"$MCP_URL\") | not"
for redirect in http://localhost:33418/callback http://127.0.0.1:8787/callback http://localhost:6274/oauth/callback http://127.0.0.1:33418 http://127.0.0.1:33418/; do
  check "a code may go to $redirect" page 200 "$redirect"
done
for redirect in https://example.com/callback http://localhost:33418/elsewhere http://localhost.example.com/callback; do
  check "no code goes to $redirect" page 400 "$redirect"
done
check 'no code without PKCE' without_pkce
check 'nobody may register himself' sh -c '[ "$(curl -s -o /dev/null -w "%{http_code}" "$1/clients-registrations/openid-connect" -H "Content-Type: application/json" \
  -d "{\"redirect_uris\": [\"http://localhost/callback\"]}")" = 403 ]' sh "$ISSUER"

as_written 'If not everybody may' 1
"$KCADM" add-roles -r "$REALM" --uusername alice --rolename mcp-user >/dev/null 2>&1
logs_in alice 'mcp:read mcp:tools'
check 'who has the role goes on as before' is_hello
logs_in bob 'mcp:read mcp:tools'
check 'who has it not gets the rest' has '.scope | split(" ") | (index("mcp:read") and (index("mcp:tools") | not))'
check 'and is told what is missing' is_forbidden
"$KCADM" delete "realms/$REALM" >/dev/null 2>&1

[ "$FAILURES" -eq 0 ] || { say "$FAILURES of $CHECKS checks of the change request FAILED" && exit 1; }
say "the change request: $CHECKS checks, all ok"
