# shellcheck shell=bash
# Lesson 6: is this token genuine, current, and for us?

lesson_6() {
  no_token
  odd_headers
  if [ -n "$KEYS_DIR" ]; then bad_tokens; else say 'not asked: tokens of our own making (--keys-dir)'; fi
  modern tools/list '{}'
  check 'from now on a list is for its caller alone' 'result and .body.result.cacheScope == "private"'
  modern tools/call '{"name": "whoami"}'
  check 'whoami shows the caller: the subject of the token' '.body.result.structuredContent.subject == $subject' \
    --arg subject "$(cut -d . -f 2 <<<"$TOKEN" | tr '_-' '/+' | jq -Rr '@base64d | fromjson | .sub')"
  check 'and what it allows' 'result and (.body.result.structuredContent | (.subject | length > 0) and (.scopes | contains(["mcp:tools"])) and (.roles | type) == "array" and .expires > now)'
}

# Nobody is let in without a token, whatever he asks, and his body is not read (A3, A5, A8).
no_token() {
  local method
  as '' modern server/discover '{}'
  check 'without a token it is 401, without an error: nothing was wrong with what was not there' no_credentials
  for method in GET DELETE PUT; do
    as '' ask "$method" /mcp
    check "$method too: 401 comes before 405" no_credentials
  done
  as '' ask POST /mcp -H 'Content-Type: text/plain' -d x
  check '401 comes before 415' no_credentials
  as '' post '[]'
  check '401 comes before 400' no_credentials
  ping_of_size 1048577 # this makes the body; without a token it is not even sent
  as '' ask POST /mcp -H 'Content-Type: application/json' -H 'Expect: 100-continue' --data-binary "@$WORK/big"
  check '401 comes before 413' no_credentials
  as '' post '{"jsonrpc":"2.0","method":"notifications/initialized"}'
  check 'a notification needs a token too' no_credentials
  as '' legacy ping '{}' -H 'Origin: http://localhost.evil.com'
  check '403 for the origin comes before 401' 'refusal(403; "forbidden_origin")'
  as '' ask GET /nothing-here
  check 'an unknown path is 404 to anybody' '.status == 404'
  as '' legacy ping '{}' -H 'Authorization: Basic YWxpY2U6c2VjcmV0'
  check 'another scheme is like no token' no_credentials
  as '' legacy ping '{}' -H 'Mcp-Session-Id: of-somebody-who-was-here'
  check 'a session id is no token' no_credentials
  as '' legacy ping '{}' -b 'token=x; session=y'
  check 'nor is a cookie' no_credentials
  as '' ask GET /health
  check 'GET /health needs none' '.status == 200'
}

# What can be read two ways, or not at all, is 400 (A3, A8).
odd_headers() {
  local value
  for value in 'Bearer' 'Bearer a b' 'Bearer ä' "Bearer $TOKEN x" "$TOKEN," '"Bearer" x'; do
    as '' legacy ping '{}' -H "Authorization: $value"
    check "400 for Authorization: $(head -c 20 <<<"$value")" malformed_credentials
  done
  legacy ping '{}' -H 'Authorization: Bearer another'
  check 'two headers Authorization are 400' malformed_credentials
  as '' legacy ping '{}' -H "Authorization: Bearer $(head -c 8200 /dev/zero | tr '\0' a)"
  check 'a header over 8 KiB is 400' malformed_credentials
  as "$TOKEN" ask POST '/mcp?access_token=x' -H 'Content-Type: application/json' -d '{"jsonrpc":"2.0","id":1,"method":"ping"}'
  check 'a token in the URL is 400, beside a good one too' malformed_credentials
  as '' ask POST "/mcp?access_token=$TOKEN" -H 'Content-Type: application/json' -d '{"jsonrpc":"2.0","id":1,"method":"ping"}'
  check 'and alone' malformed_credentials
  as '' ask POST /mcp -d "access_token=$TOKEN"
  check 'a token in a form is no token' no_credentials
  for value in bearer BEARER 'bEARER  '; do
    as '' legacy ping '{}' -H "Authorization: $value $TOKEN"
    check "the scheme may be written $value" result
  done
}

# One answer to whatever is wrong with a token: the cause is for the log.
bad_tokens() {
  local head claims signature other=$WORK/other-keys all='mcp:read mcp:tools mcp:prompts'
  as nonsense legacy ping '{}'
  check 'a word that is no token is 401, invalid_token' invalid_token
  jq -S .body "$WORK/answer" >"$WORK/first"
  IFS=. read -r head claims signature <<<"$TOKEN"
  refused 'a token whose claims were changed' "$head.$(flip "$claims").$signature"
  refused 'a token whose signature was changed' "$head.$claims.$(flip "$signature")"
  refused 'a token without its signature' "$head.$claims."
  refused 'alg none' "$(printf '{"alg":"none","typ":"JWT"}' | base64 | tr -d '=\n' | tr '+/' '-_').$claims."
  refused 'two parts' "$head.$claims"
  refused 'four parts' "$TOKEN.$signature"

  minted 'a token that is over' --lifetime -1m
  minted 'a token that is not good yet' --claim "nbf=$(($(date +%s) + 600))"
  minted 'a token from the future' --claim "iat=$(($(date +%s) + 600))"
  minted 'a token of another issuer' --issuer http://localhost:1
  minted 'a token of our issuer with a slash too many' --issuer "${ISSUER:-${PUBLIC_URL%/mcp}}/"
  minted 'a token for another server' --audience http://localhost:1/mcp
  minted 'a token for us with a slash too many' --audience "$PUBLIC_URL/"
  minted 'a token for us, as a prefix' --audience "${PUBLIC_URL%/mcp}"
  minted 'a token without a subject' --claim 'sub=""'
  minted 'a token whose end is a text' --claim 'exp="tomorrow"'
  minted 'an ID token' --claim 'typ="ID"'
  minted 'a token bound to a key that nobody asks for' --claim 'cnf={"jkt":"x"}'
  "$COMMAND" keys generate --dir "$other" >/dev/null
  refused 'a token signed with another key' "$(KEYS_DIR=$other mint "$PUBLIC_URL" alice)"
  # the public key is no secret, so a signature made with it as a secret proves nothing
  (umask 077 && cat "$KEYS_DIR${ISSUER:+/login}"/*.public.pem >"$WORK/public.pem")
  refused 'HS256 with the public key as the secret' "$(mint "$PUBLIC_URL" alice --alg HS256 --secret-file "$WORK/public.pem")"

  as "$(mint "$PUBLIC_URL" alice --lifetime -1s)" legacy ping '{}'
  check 'clocks may differ by a few seconds' result
  as "$(mint "$PUBLIC_URL" alice --lifetime 0s)" legacy ping '{}'
  check 'a token that ends this second is good' result
  as "$(mint "$PUBLIC_URL" alice --claim "aud=[\"http://localhost:1\",\"$PUBLIC_URL\"]" --scopes "$all")" legacy ping '{}'
  check 'a token for others and for us is for us' result
}

# flip TEXT: with another character in its middle.
flip() {
  local half=$((${#1} / 2)) letter
  letter=${1:$half:1}
  if [ "$letter" = A ]; then letter=B; else letter=A; fi
  printf '%s%s%s' "${1:0:$half}" "$letter" "${1:$((half + 1))}"
}

# refused SENTENCE TOKEN
refused() {
  as "$2" legacy ping '{}'
  check "$1 is 401, with the same body as all" 'invalid_token and .body == $first[0]' --slurpfile first "$WORK/first"
}

# minted SENTENCE ARGUMENTS…: a token that is good but for these arguments.
minted() {
  local sentence=$1
  shift
  refused "$sentence" "$(mint "$PUBLIC_URL" alice "$@")"
}

program_6() {
  local id
  as '' modern server/discover '{}'
  check 'an answer before the body says that the connection ends' 'no_credentials and header("connection") == "close"'
  check_equal 'no token is ever logged' 0 "$(grep -cF -e "$TOKEN" -e "$(cut -d . -f 2 <<<"$TOKEN")" "$SERVER_LOG")"
  [ -n "$KEYS_DIR" ] || return 0
  as "$(mint "$PUBLIC_URL" alice --lifetime -1m)" legacy ping '{}' -H 'x-request-id: over-since-a-minute'
  until_true 5 says "$SERVER_LOG" 'over-since-a-minute.* 401 ' || true
  check_file 'the log knows the cause' "$SERVER_LOG" 'over-since-a-minute.*refused the token.*expired'
  [ "$1" -lt 9 ] || return 0
  id=$("$COMMAND" keys show --keys-dir "$KEYS_DIR" --json | jq -r '[.. | .kid? // empty][0]')
  "$COMMAND" keys rotate --keys-dir "$KEYS_DIR" >/dev/null
  legacy ping '{}'
  check 'after a rotation, what the old key signed is still good' result
  as "$(mint "$PUBLIC_URL" alice)" legacy ping '{}'
  check 'and what the new key signed is good at once' result
  ask GET /.well-known/jwks.json
  check 'both are published' '(.body.keys | length) == 2 and ([.body.keys[].kid] | index($id)) == 1' --arg id "$id"
}
