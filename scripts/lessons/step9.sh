# shellcheck shell=bash
# Lesson 9: who are the people?

lesson_9() {
  local path
  as '' ask GET /.well-known/oauth-protected-resource
  check 'one issuer is named' '.status == 200 and (.body.authorization_servers | length == 1)'
  check 'and it is another server' '.body.authorization_servers[0] | startswith($own) | not' --arg own "${PUBLIC_URL%/mcp}"
  for path in /.well-known/jwks.json /.well-known/oauth-authorization-server /.well-known/openid-configuration /authorize /register; do
    as '' ask GET "$path"
    check "$path is not here any more" '.status == 404'
  done
  as '' ask POST /token -d grant_type=client_credentials
  check 'nor is /token' '.status == 404'
  if [ -n "$KEYS_DIR" ]; then roles_open_nothing; else say 'not asked: tokens of our own making (--keys-dir)'; fi
  if [ -d "$KEYS_DIR/login" ]; then people; else say "not asked: people who log in, whose passwords at $ISSUER we do not know"; fi
}

roles_open_nothing() {
  local role token
  for role in admin mcp-admin '*'; do
    token=$(mint "$PUBLIC_URL" somebody --scopes '' --roles "$role")
    as "$token" modern tools/list '{}'
    check "the role $role alone opens no list" 'insufficient("mcp:read")'
    as "$token" modern tools/call "$(example tools/call)"
    check "and no tool" 'insufficient("mcp:tools")'
  done
}

# Each person asks for everything, and gets what his roles allow; who asks for less gets that alone.
people() {
  register
  #        person    password scopes asked for                     tools/list tools/call prompts/list prompts/get
  person mcp-admin admin123 'mcp:read mcp:tools mcp:prompts' 200 200 200 200
  person mcp-user user123 'mcp:read mcp:tools mcp:prompts' 200 200 200 403
  person mcp-guest guest123 'mcp:read mcp:tools mcp:prompts' 200 403 200 403
  person mcp-admin admin123 mcp:read 200 403 200 403
  log_in mcp-admin nonsense mcp:read
  check 'a wrong password leads nowhere' '.status == 403 and (.headers | has("location") | not)'
}

# The program that asks for all of them: curl, which has nothing to keep a secret in (RFC 7591, RFC 8252).
register() {
  as '' fetch "$ISSUER/register" -H 'Content-Type: application/json' \
    -d '{"client_name": "curl", "redirect_uris": ["http://127.0.0.1/callback"], "token_endpoint_auth_method": "none"}'
  check 'a program registers itself' '.status == 201 and (.body.client_id | length > 0)'
  CLIENT=$(jq -r .body.client_id "$WORK/answer")
}

# log_in PERSON PASSWORD SCOPES: what a browser does, up to the answer to the password (RFC 6749 §4.1, RFC 7636, RFC 8707).
log_in() {
  local challenge
  VERIFIER=$(head -c 32 /dev/urandom | base64 | tr -d '=\n' | tr '+/' '-_')
  challenge=$(printf '%s' "$VERIFIER" | sha256 | tr -d '=\n' | tr '+/' '-_')
  rm -f "$WORK/cookies"
  browse "$ISSUER/authorize" --get -d response_type=code -d "client_id=$CLIENT" -d redirect_uri=http://127.0.0.1:1/callback -d state=here \
    -d "code_challenge=$challenge" -d code_challenge_method=S256 --data-urlencode "scope=$3" --data-urlencode "resource=$PUBLIC_URL"
  browse "$ISSUER/login" -d "username=$1" -d "password=$2" --data-urlencode "request=$(field request)" --data-urlencode "csrf=$(field csrf)"
}

browse() { fetch "$@" -b "$WORK/cookies" -c "$WORK/cookies"; }

# field NAME: a hidden field of the last page.
field() { jq -r .text "$WORK/answer" | grep -oE "name=\"$1\" value=\"[^\"]*\"" | head -n 1 | cut -d '"' -f 4 | sed 's/&amp;/\&/g'; }

# person NAME PASSWORD SCOPES FOUR-STATUSES…: logs in, says yes, and tries.
person() {
  local who="$1 with $3" name=$1 token ask status can_call=$5
  log_in "$1" "$2" "$3"
  shift 3
  browse "$ISSUER$(jq -r '.headers.location[0] // ""' "$WORK/answer")"
  check "$who is asked whether that is meant" '.status == 200 and (.text | contains("value=\"allow\""))'
  browse "$ISSUER/consent" -d decision=allow --data-urlencode "request=$(field request)" --data-urlencode "csrf=$(field csrf)"
  check 'and is sent back with a code, the state and the name of the issuer' 'header("location") | startswith("http://127.0.0.1:1/callback?") and contains("code=") and contains("state=here") and contains("iss=")'
  token=$(jq -r '.headers.location[0] // ""' "$WORK/answer" | sed -nE 's/.*[?&]code=([^&]*).*/\1/p')
  as '' fetch "$ISSUER/token" -d grant_type=authorization_code -d "code=$token" -d "client_id=$CLIENT" -d redirect_uri=http://127.0.0.1:1/callback \
    -d "code_verifier=$VERIFIER" --data-urlencode "resource=$PUBLIC_URL"
  check 'the code is worth a token' '.status == 200 and (.body.access_token | split(".") | length == 3)'
  token=$(jq -r '.body.access_token // empty' "$WORK/answer")
  for ask in tools/list tools/call prompts/list prompts/get; do
    status=$1
    shift
    as "$token" modern "$ask" "$(example "$ask")"
    allowed "$who: $ask is $status" "$ask" "$status"
  done
  [ "$can_call" = 200 ] || return 0
  as "$token" modern tools/call '{"name": "whoami"}'
  check 'whoami knows the person' 'result and .body.result.structuredContent.subject == $name' --arg name "$name"
}

program_9() {
  local out=$WORK/server.out
  [ -n "$KEYS_DIR" ] || return 0
  check_file 'it says where to log in, and who may' "$out" "log in at $ISSUER as mcp-admin / admin123"
  run --port 0 --public-url https://mcp.example.com
  check_sentence 'a server that others can reach has no people whom everybody knows' '--issuer'
  run --port 0 --issuer http://login.example.com
  check_sentence 'nor does one whose keys would come in the clear' 'login.example.com'
}
