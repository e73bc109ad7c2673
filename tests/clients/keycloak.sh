#!/usr/bin/env bash
# Does step 9 work with a real Keycloak, from the script that starts it to a tool that knows who is calling? And does the
# script do what it says: start, stop, rotate, forget?
#
#   tests/clients/keycloak.sh [VERSION]     scripts/check_all.sh --only keycloak
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/../../scripts/cache.sh"
. "$HERE/../../scripts/keycloak/distribution.sh"
. "$HERE/../../scripts/lib.sh"
. "$HERE/servers.sh"
# shellcheck disable=SC2153 # of cache.sh
VERSION=${1:-$KEYCLOAK_VERSION} CACHED=$CACHE
prepare
export MCP_AUTH_CACHE=$CACHED
need python3
PORT=$(free_port)
KEYCLOAK=http://localhost:$PORT ISSUER=http://localhost:$PORT/realms/mcp-realm AUDIENCE=http://localhost:9000/mcp
STEP9=${STEP9:-$(build step9 step9)} COMMAND=${COMMAND:-$(build mcp-auth-cli mcp-auth)}

keycloak() { "$ROOT/scripts/keycloak.sh" "$@" --port "$PORT"; }

# The exit status survives; the Keycloak that was started does not.
finish() {
  local status=$?
  set +e
  keycloak stop >/dev/null 2>&1
  rm -rf "$MCP_AUTH_CACHE/keycloak/run-$PORT"
  (exit "$status")
  cleanup
}
trap finish EXIT

# check SENTENCE COMMAND…
check() {
  local sentence=$1
  shift
  CHECKS=$((CHECKS + 1))
  if "$@" >"$WORK/check" 2>&1; then say "ok: $sentence"; else FAILURES=$((FAILURES + 1)) && say "FAILED: $sentence" && tail -n 20 "$WORK/check"; fi
}

# with TOKEN WORDS…: a call of the command with this token; its output is in $WORK/call.
with() {
  local token=$1
  shift
  MCP_TOKEN=$token "$COMMAND" call "$SERVER" "$@" >"$WORK/call" 2>&1 || { cat "$WORK/call" && return 1; }
}

# is WHO ROLE SCOPES: whoami knows the person.
is() {
  with "$(keycloak token "$1")" tools call whoami --json || return 1
  jq -e --arg name "$1" --arg role "$2" --arg scopes "$3" 'first(.. | objects | select(has("subject"))) | .roles == [$role] and (.name | endswith($name))
    and ([.scopes[] | select(startswith("mcp:"))] | sort) == ($scopes | split(" "))' "$WORK/call" || { cat "$WORK/call" && return 1; }
}

# refused TOKEN WORD WORDS…: the call ends with this word in what is said.
refused() {
  local token=$1 word=$2
  shift 2
  ! with "$token" "$@" && grep -q -- "$word" "$WORK/call"
}

# begun ARGUMENTS…: step 9, for the tokens of this realm.
begun() {
  start "step9-$CHECKS" "$STEP9" --port 0 --audience "$AUDIENCE" --issuer "$ISSUER"
  SERVER=$STARTED_URL
}

# register JSON: sets STATUS, of a public client or of one with METHOD, and leaves the answer in $WORK/registered.
register() {
  STATUS=$(curl -s -o "$WORK/registered" -w '%{http_code}' "$ISSUER/clients-registrations/openid-connect" -H 'Content-Type: application/json' \
    -d "{\"token_endpoint_auth_method\": \"${METHOD:-none}\", $1}")
}
registers() { register "$2" && [ "$STATUS" = "$1" ]; }

# changes JSON: what the client that registered last may make of itself.
changes() {
  [ "$(curl -s -o /dev/null -w '%{http_code}' -X PUT "$(jq -r .registration_client_uri "$WORK/first")" -H 'Content-Type: application/json' \
    -H "Authorization: Bearer $(jq -r .registration_access_token "$WORK/first")" -d "$(jq -c ". + $2" "$WORK/first")")" = "$1" ]
}

# for_a_device: a program that registers itself wants somebody to log in for it elsewhere; sets LINK, which it would send around.
for_a_device() {
  local challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM # of the verifier in RFC 7636 B
  register '"redirect_uris": ["http://127.0.0.1/callback"], "grant_types": ["urn:ietf:params:oauth:grant-type:device_code", "authorization_code"]'
  curl -s "$ISSUER/protocol/openid-connect/auth/device" -d "client_id=$(jq -r .client_id "$WORK/registered")" -d 'scope=mcp:read mcp:tools' \
    -d "code_challenge=$challenge" -d code_challenge_method=S256 >"$WORK/device"
  LINK=$(jq -r .verification_uri_complete "$WORK/device")
}
no_token_for_a_device() {
  python3 "$HERE/browser.py" "$LINK" || true # it ends at a page without a form, whatever that says
  curl -s "$ISSUER/protocol/openid-connect/token" -d grant_type=urn:ietf:params:oauth:grant-type:device_code \
    -d "client_id=$(jq -r .client_id "$WORK/registered")" -d "device_code=$(jq -r .device_code "$WORK/device")" \
    -d code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk >"$WORK/for_a_device"
  jq -e '.error and (has("access_token") | not)' "$WORK/for_a_device" || { cat "$WORK/for_a_device" && return 1; }
}
says() { curl -sL "$1" | grep -qF "$2"; }

# in_a_browser CLIENT WORDS…: the status of the page for this client, which redirects nowhere.
in_a_browser() {
  curl -s -o /dev/null -w '%{http_code}%{redirect_url}' -G "$ISSUER/protocol/openid-connect/auth" -d "client_id=$1" -d response_type=code -d scope=mcp:read \
    --data-urlencode redirect_uri=http://127.0.0.1:1/callback -d code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM -d code_challenge_method=S256 "${@:2}"
}

# guessed: after this many wrong passwords the right one is wrong, too.
guessed() {
  for _ in $(seq 35); do MCP_GUEST_PASSWORD=guess keycloak token mcp-guest mcp:read && return 1; done 2>/dev/null
  not keycloak token mcp-guest mcp:read
}

# without_pkce: the client that registered last is sent back with an error when it names no challenge.
without_pkce() {
  curl -s -o /dev/null -w '%{redirect_url}' -G "$ISSUER/protocol/openid-connect/auth" -d "client_id=$(jq -r .client_id "$WORK/first")" -d response_type=code \
    -d scope=mcp:read --data-urlencode redirect_uri=http://127.0.0.1:1/callback | grep -q 'error=invalid_request&error_description=Missing+parameter%3A+code_challenge_method'
}

signs_with() { curl -s "$ISSUER/protocol/openid-connect/certs" | jq -e --arg kid "$1" '.keys | any(.kid == $kid)'; }
kid() { cut -d . -f 1 <<<"$1" | jq -rR 'gsub("-"; "+") | gsub("_"; "/") | @base64d | fromjson.kid'; }
not() { ! "$@"; }

say "Keycloak $VERSION"
begin=$SECONDS
keycloak start --engine java --version "$VERSION" --audience "$AUDIENCE" >"$WORK/started" 2>"$WORK/starting" || die "Keycloak does not start: $(cat "$WORK/starting")"
say "it took $((SECONDS - begin)) s"
check 'the first line is the name of the issuer' [ "$(head -n 1 "$WORK/started")" = "$ISSUER" ]
check 'who starts it twice has it once' keycloak start --version "$VERSION" --audience "$AUDIENCE"
check 'it says that it runs' keycloak status
check 'nothing else is told than what one can ask for' sh -c 'curl -s "$1/.well-known/openid-configuration" |
  jq -e "(.scopes_supported | sort) == [\"email\", \"mcp:prompts\", \"mcp:read\", \"mcp:tools\", \"offline_access\", \"openid\", \"profile\"]"' sh "$ISSUER"
for file in direct proxy; do
  check "the settings in $file.env are settings of the server" sh -c 'for name in $(sed -n "s/^\(MCP_[A-Z_]*\)=.*/\1/p" "$1"); do
    "$2" --help | grep -q "env: $name=" || { echo "$name is none" && exit 1; }; done' sh "$ROOT/keycloak/$file.env" "$STEP9"
done
begun

check 'mcp-admin is known, and has all' is mcp-admin admin 'mcp:prompts mcp:read mcp:tools'
check 'mcp-user has no prompts' is mcp-user user 'mcp:read mcp:tools'
check 'mcp-service is known, and acts for nobody' is mcp-service user 'mcp:read mcp:tools'
GUEST=$(keycloak token mcp-guest) ADMIN=$(keycloak token mcp-admin)
check 'mcp-guest sees the lists' with "$GUEST" tools list
check 'and is told what the rest needs' refused "$GUEST" 'needs the scope mcp:tools' tools call whoami
check 'mcp-user is told what a prompt needs' refused "$(keycloak token mcp-user)" 'needs the scope mcp:prompts' prompts get help
check 'who asks for less has less' refused "$(keycloak token mcp-admin mcp:read)" 'needs the scope mcp:tools' tools call whoami
check 'every person may stay logged in' keycloak token mcp-guest 'mcp:read offline_access'
OTHER=$(curl -s "$ISSUER/protocol/openid-connect/token" -d grant_type=password -d client_id=other-app -d username=mcp-admin -d password=admin123 | jq -r .access_token)
check 'a token for somebody else is refused' refused "$OTHER" 'refused (401)' tools list
ID=$(curl -s "$ISSUER/protocol/openid-connect/token" -d grant_type=password -d client_id=mcp-test-client -d username=mcp-admin -d password=admin123 \
  -d 'scope=openid mcp:read' | jq -r .id_token)
check 'an ID token is no access token' refused "$ID" 'refused (401)' tools list
check 'the server can ask about a token' sh -c 'curl -s "$1/protocol/openid-connect/token/introspect" -d client_id=mcp-server \
  -d client_secret=server-secret-of-the-workshop -d "token=$2" | jq -e .active' sh "$ISSUER" "$ADMIN"

# logs_in ARGUMENTS…: by the browser; sets TOKEN.
logs_in() {
  TOKEN=$(LOGIN_PERSON=mcp-user LOGIN_PASSWORD=user123 LOGIN_LOG=$WORK/pages python3 "$HERE/code_flow.py" "$ISSUER" "$SERVER" "$@" | jq -r .access_token) &&
    with "$TOKEN" tools call echo message=hello && grep -qx hello "$WORK/call"
}
check 'a client that registers itself, from a web site elsewhere, gets from the bare name of the issuer to a tool' logs_in 'mcp:read mcp:tools offline_access' --register
check 'and the person was asked, in words' grep -q '^consent: .*See which tools and prompts the server has.*Use its tools.*Stay logged in' "$WORK/pages"
for more in '' prompt=none; do
  check "mcp-test-client logs nobody in${more:+, not even with $more}" [ "$(in_a_browser mcp-test-client -d "$more")" = 400 ]
done
for_a_device
check 'who follows the link of a program that registered itself is told that it is no good' until_true 5 says "$LINK" 'The code has expired'
check 'and the program gets no token, whatever he does there' no_token_for_a_device
check 'nor may he have people asked on their phones' registers 400 '"redirect_uris": [], "grant_types": ["urn:openid:params:grant-type:ciba"]'
METHOD=client_secret_post register '"redirect_uris": [], "grant_types": ["client_credentials"]'
ALONE=$(curl -s "$ISSUER/protocol/openid-connect/token" -d grant_type=client_credentials -d 'scope=mcp:read mcp:tools' \
  -d "client_id=$(jq -r .client_id "$WORK/registered")" -d "client_secret=$(jq -r .client_secret "$WORK/registered")" | jq -r .access_token)
check 'he has a token in his own name' kid "$ALONE"
check 'which is for nobody' refused "$ALONE" 'refused (401)' tools list
for redirect in https://example.com/callback http://localhost.example.com/callback 'http://localhost:1/*' cursor://callback http://localhost@example.com/; do
  check "nobody registers himself for $redirect" registers 403 "\"redirect_uris\": [\"$redirect\"]"
done
register '"redirect_uris": ["http://127.0.0.1:1/callback"], "client_uri": "https://example.com"' && cp "$WORK/registered" "$WORK/first"
check 'nor does he get a code without PKCE' without_pkce
register '"redirect_uris": ["http://127.0.0.1:1/callback"], "grant_types": ["implicit", "password"], "response_types": ["token"]' &&
  cp "$WORK/registered" "$WORK/implicit"
check 'nor a token without a code' sh -c 'jq -e ".client_id" "$1" && ! jq -e ".grant_types | any(. == \"implicit\" or . == \"password\")" "$1"' sh "$WORK/implicit"
check 'nor says he more of himself than RFC 7591 has words for' sh -c '[ "$(curl -s -o /dev/null -w "%{http_code}" "$1/clients-registrations/default" \
  -H "Content-Type: application/json" -d "{\"clientId\": \"of-my-own\", \"publicClient\": true}")" = 404 ]' sh "$ISSUER"
check 'nor changes to such a place later' changes 403 '{"redirect_uris": ["https://example.com/callback"]}'
check 'but to another one on this machine' changes 200 '{"redirect_uris": ["http://127.0.0.1:2/callback"]}'

# all that step 9 promises, and the tests of its own people; the last of them stops Keycloak for a minute
check 'step 9 keeps its promises here too' "$ROOT/scripts/test_step9.sh" --issuer "$ISSUER" --audience "$AUDIENCE" --token "$ADMIN"
tail -n 1 "$WORK/check"
# people: all ten tests, one at a time
people() {
  WORKSHOP_KEYCLOAK=$ISSUER WORKSHOP_KEYCLOAK_VERSION=$VERSION WORKSHOP_AUDIENCE=$AUDIENCE cargo test -q --manifest-path "$ROOT/Cargo.toml" \
    -p workshop-tests --test workshop people:: -- --ignored --test-threads 1 >"$WORK/people" 2>&1 || true
  grep -q 'test result: ok. 10 passed' "$WORK/people" || { tail -n 60 "$WORK/people" && return 1; }
}
check 'so do people, tokens of all kinds, keys that change and a minute without it' people
ADMIN=$(keycloak token mcp-admin)

keycloak rotate-keys >"$WORK/rotated"
NEW=$(keycloak token mcp-admin)
check 'a new key signs' not [ "$(kid "$NEW")" = "$(kid "$ADMIN")" ]
check 'and its tokens are taken at once' with "$NEW" tools list
check 'those of the old one still' with "$ADMIN" tools list
keycloak rotate-keys --forget >"$WORK/rotated"
check 'then the old one is told to nobody' not signs_with "$(kid "$ADMIN")"
NEW=$(keycloak token mcp-admin)
begun
check 'a server that starts now refuses its tokens' refused "$ADMIN" 'refused (401)' tools list
check 'and takes the new ones' with "$NEW" tools list

KCADM=$(built_in)/bin/kcadm.sh
check 'the change request' env STEP9="$STEP9" COMMAND="$COMMAND" KEYCLOAK="$KEYCLOAK" KCADM="$KCADM" "$HERE/change_request.sh"
tail -n 1 "$WORK/check"

check 'who guesses passwords does not hear it when one is right' guessed
check 'and other people log in as before' keycloak token mcp-user mcp:read

begin=$SECONDS
check 'it stops' keycloak stop
check 'and says that it does not run' not keycloak status
check 'nobody listens there any more' not curl -s -o /dev/null "$ISSUER"
say "it took $((SECONDS - begin)) s"
begin=$SECONDS
check 'it starts again' keycloak start --engine java --version "$VERSION" --audience "$AUDIENCE"
say "it took $((SECONDS - begin)) s"
check 'with the keys that it had' signs_with "$(kid "$NEW")"
check 'and begins anew when it is told to' keycloak reset
check 'with other keys' not signs_with "$(kid "$NEW")"

if older_than 26 6; then
  say "not asked: clients that are documents, which Keycloak $VERSION does not know"
else
  keycloak stop 2>/dev/null
  check 'it starts for clients that are documents' keycloak start --engine java --version "$VERSION" --audience "$AUDIENCE" --cimd
  mkdir "$WORK/documents"
  DOCUMENTS=http://localhost:$(free_port)
  (cd "$WORK/documents" && exec python3 -m http.server "${DOCUMENTS##*:}" --bind 127.0.0.1 >/dev/null 2>&1) &
  PIDS+=("$!")
  jq -nc --arg id "$DOCUMENTS/client.json" '{client_id: $id, client_name: "A document", redirect_uris: ["http://127.0.0.1/callback"], response_types: ["code"],
    grant_types: ["authorization_code", "refresh_token"], token_endpoint_auth_method: "none"}' >"$WORK/documents/client.json"
  begun
  until_true 10 curl -fs -o /dev/null "$DOCUMENTS/client.json" || die "no document at $DOCUMENTS"
  check 'a client that is a document gets from the bare name of the issuer to a tool' logs_in 'mcp:read mcp:tools' --client "$DOCUMENTS/client.json"
  check 'and the person was asked' grep -q '^consent: .*A document.*Use its tools' "$WORK/pages"
fi

[ "$FAILURES" -eq 0 ] || { say "$FAILURES of $CHECKS checks with Keycloak $VERSION FAILED" && exit 1; }
say "Keycloak $VERSION: $CHECKS checks, all ok"
