# shellcheck shell=bash
# Lesson 5: which public keys are there?

lesson_5() {
  local tag
  ask GET /ready
  check 'GET /ready is 200 when there are keys' '.status == 200 and .body.status == "ready"'
  ask GET /ready -H 'Host: probe.example'
  check 'a probe may come under any name' '.status == 200'
  [ "$1" -lt 9 ] || return 0
  ask GET /.well-known/jwks.json
  check 'the key set is JSON, and needs no token' '.status == 200 and header("content-type") == "application/json" and (.body.keys | length >= 1)'
  check 'each key is an RSA key for signatures, with a name' '.body.keys | all(.kty == "RSA" and .use == "sig" and .alg == "RS256" and (.kid | test("^[A-Za-z0-9_-]{43}$")) and (.e | length > 0))'
  check 'each key has at least 2048 bits' '.body.keys | all(.n | length >= 342)'
  check 'no key has a private part, or anything that nobody needs' '[.body.keys[] | keys[]] - ["alg", "e", "kid", "kty", "n", "use"] == []'
  check 'it may be kept for five minutes' 'header("cache-control") == "public, max-age=300"'
  check 'it has a strong ETag' 'header("etag") | test("^\"[^\"]+\"$")'
  tag=$(jq -r '.headers.etag[0]' "$WORK/answer")
  thumbprints
  ask HEAD /.well-known/jwks.json
  check 'HEAD has the same ETag' '.status == 200 and header("etag") == $tag' --arg tag "$tag"
  ask GET /.well-known/jwks.json -H "If-None-Match: $tag"
  check 'who knows it already gets 304, without a body' '.status == 304 and .text == "" and header("etag") == $tag' --arg tag "$tag"
  ask GET /.well-known/jwks.json -H 'If-None-Match: "another"'
  check 'who knows another one gets it' '.status == 200 and (.body.keys | length >= 1)'
  ask GET /.well-known/jwks.json -H 'Origin: http://any.example'
  check 'a page of any origin may read it' '.status == 200 and header("access-control-allow-origin") == "*" and (.headers | has("access-control-allow-credentials") | not)'
  ask POST /.well-known/jwks.json -d x
  check 'it cannot be changed: 405 with Allow' 'refusal(405; "method_not_allowed") and (header("allow") | contains("GET"))'
}

# RFC 7638: the name of a key is the SHA-256 of its members in the order of the alphabet.
thumbprints() {
  local members name
  while IFS='|' read -r members name; do
    check_equal 'the kid is the thumbprint of the key' "$name" "$(printf '%s' "$members" | sha256 | sed 's/+/-/g; s#/#_#g; s/=*$//')"
  done <<<"$(jq -r '.body.keys[] | "{\"e\":\"\(.e)\",\"kty\":\"RSA\",\"n\":\"\(.n)\"}|\(.kid)"' "$WORK/answer")"
}

# The digest in base64. macOS has shasum, Linux has sha256sum, and no two of them speak of base64.
sha256() {
  local hex
  hex=$( (sha256sum 2>/dev/null || shasum -a 256) | cut -d ' ' -f 1)
  # shellcheck disable=SC2001 # no ${hex//} of bash can name what it found
  printf '%b' "$(sed 's/../\\x&/g' <<<"$hex")" | base64
}

program_5() {
  local keys=$WORK/.workshop list
  [ "$1" -lt 9 ] || return 0
  check_file 'the log says that the key is for development only' "$SERVER_LOG" 'development key'
  list=$keys/jwks.json
  [ -f "$list" ] || die "no key set at $list; the lesson looks for development keys there"
  check_equal 'only we can read the private key' 600 "$(mode "$keys"/*.private.pem)"

  mv "$list" "$list.away"
  ask GET /ready
  check 'without keys /ready is 503 with the reason' 'refusal(503; "temporarily_unavailable") and (.body.error_description | test("key set"))'
  ask GET /.well-known/jwks.json
  check 'and there is no key set' '.status == 503'
  printf '{"keys": []}' >"$list"
  ask GET /ready
  check 'an empty key set is not ready' '.status == 503'
  jq -c '.keys += [{"kty": "oct", "kid": "secret", "k": "AAAA", "use": "sig", "alg": "HS256"}]' "$list.away" >"$list"
  ask GET /.well-known/jwks.json
  check 'a key that is no RSA key is passed over' '.status == 200 and ([.body.keys[].kty] | unique == ["RSA"])'
  mv "$list.away" "$list"
  ask GET /ready
  check 'the file is read again when it changes' '.status == 200'

  run --port 0 --host 127.0.0.1 --public-url https://mcp.example.com
  check_sentence 'without a key, a server that others can reach does not start' 'keys generate'
}

mode() { stat -c %a "$1" 2>/dev/null || stat -f %Lp "$1"; }
