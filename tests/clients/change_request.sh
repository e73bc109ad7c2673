#!/usr/bin/env bash
# Does a stranger's realm do what keycloak/change-request.md asks for, after its commands and nothing else? They are read from
# the page and run on a realm as Keycloak makes it; then people log in with the client of the page.
#
#   KEYCLOAK=http://localhost:8080 KCADM=…/bin/kcadm.sh tests/clients/change_request.sh     scripts/check_all.sh --only keycloak sets these
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/../../scripts/lib.sh"
. "$HERE/servers.sh"
. "$HERE/request.sh"
: "${KEYCLOAK:?}" "${KCADM:?}"
prepare
need python3
STEP=${STEP9:-$(build step9 step9)} COMMAND=${COMMAND:-$(build mcp-auth-cli mcp-auth)}
REALM=company-$$ ISSUER=$KEYCLOAK/realms/company-$$
PORT=$(free_port)
MCP_URL=http://localhost:$PORT/mcp

# check SENTENCE COMMAND…
check() {
  local sentence=$1
  shift
  CHECKS=$((CHECKS + 1))
  if "$@" >"$WORK/check" 2>&1; then say "ok: $sentence"; else FAILURES=$((FAILURES + 1)) && say "FAILED: $sentence" && tail -n 20 "$WORK/check"; fi
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

# is_told ORIGIN: may a page of this origin read what the token endpoint answers?
is_told() {
  curl -s -o /dev/null -D - "$ISSUER/protocol/openid-connect/token" -H "Origin: $1" -d grant_type=authorization_code -d client_id=mcp-client -d code=none \
    -d redirect_uri=http://localhost/callback | tr -d '\r' | grep -qix "access-control-allow-origin: $1"
}
not() { ! "$@"; }

# without_pkce: a login that names no challenge comes back with an error.
without_pkce() {
  curl -s -o /dev/null -w '%{redirect_url}' -G "$ISSUER/protocol/openid-connect/auth" -d client_id=mcp-client -d response_type=code -d scope=mcp:read \
    --data-urlencode redirect_uri=http://127.0.0.1:33418/callback | grep -q 'error=invalid_request&error_description=Missing+parameter%3A+code_challenge_method'
}

stock_realm
for name in alice bob; do person "$name" "secret of $name" >/dev/null 2>&1; done
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
check 'no code for a device' sh -c 'curl -s "$1/protocol/openid-connect/auth/device" -d client_id=mcp-client -d scope=mcp:read \
  -d code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM -d code_challenge_method=S256 | jq -e ".error == \"unauthorized_client\""' sh "$ISSUER"
check 'no token for a password' sh -c 'curl -s "$1/protocol/openid-connect/token" -d grant_type=password -d client_id=mcp-client -d username=alice \
  --data-urlencode "password=secret of alice" | jq -e ".error == \"unauthorized_client\""' sh "$ISSUER"
check 'nobody may register himself' sh -c '[ "$(curl -s -o /dev/null -w "%{http_code}" "$1/clients-registrations/openid-connect" -H "Content-Type: application/json" \
  -d "{\"redirect_uris\": [\"http://localhost/callback\"]}")" = 403 ]' sh "$ISSUER"

check 'no page gets tokens by itself' not is_told http://localhost:6274
as_written 'Redirect URIs' 1
check 'but the one that is entered' is_told http://localhost:6274
check 'and no other' not is_told http://localhost:6275

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
