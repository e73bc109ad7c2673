# shellcheck shell=bash
# Lesson 7: where do I log in?

lesson_7() {
  resource_metadata
  [ "$1" -lt 9 ] || return 0
  issuer_metadata
  if [ -f "$KEYS_DIR/client.json" ]; then client_credentials; else say 'not asked: tokens from the token endpoint (--keys-dir)'; fi
}

# Each document is asked for at the path that another one names: a client knows nothing but the endpoint.
resource_metadata() {
  local base=${ISSUER:-${PUBLIC_URL%/mcp}} where path
  as '' modern server/discover '{}'
  check 'a 401 says where to read on, and the least scope to ask for' 'no_credentials and (challenge | test("resource_metadata=\"http[^\"]+\"") and contains("scope=\"mcp:read\""))'
  where=$(jq -r '.headers["www-authenticate"][0] // "" | capture("resource_metadata=\"(?<url>[^\"]+)\"").url // empty' "$WORK/answer")
  check_equal 'that is the well-known address of this endpoint' "$(sed -E 's#^(https?://[^/]+)#\1/.well-known/oauth-protected-resource#' <<<"$PUBLIC_URL")" "$where"
  as nonsense modern server/discover '{}'
  check 'so does one to a bad token' 'invalid_token and (challenge | contains($where) and contains("scope=\"mcp:read\""))' --arg where "$where"
  as '' legacy ping '{}' -H 'Authorization: Bearer a b'
  check 'and a 400' 'malformed_credentials and (challenge | contains($where))' --arg where "$where"
  for path in "/.well-known/oauth-protected-resource/${PUBLIC_URL##*/}" /.well-known/oauth-protected-resource; do
    as '' ask GET "$path"
    check "$path needs no token" '.status == 200 and header("content-type") == "application/json"'
    check 'it is about this endpoint, to the letter' '.body.resource == $url' --arg url "$PUBLIC_URL"
    check 'it names the issuer' '.body.authorization_servers == [$base]' --arg base "$base"
    check 'and the scopes, never offline_access' '.body.scopes_supported | sort == ["mcp:prompts", "mcp:read", "mcp:tools"]'
    check 'tokens belong in the header' '.body.bearer_methods_supported == ["header"]'
    as '' ask GET "$path" -H 'Origin: http://any.example'
    check 'a page of any origin may read it' '.status == 200 and header("access-control-allow-origin") == "*"'
  done
  as '' legacy ping '{}' -H 'Host: evil.example'
  check 'a Host from outside never gets into an address' '.status == 403 and (.text | contains("evil.example") | not) and (challenge | contains("evil.example") | not)'
}

issuer_metadata() {
  local base=${PUBLIC_URL%/mcp}
  as '' ask GET /.well-known/oauth-authorization-server
  check 'the issuer has a document (RFC 8414)' '.status == 200 and header("content-type") == "application/json"'
  check 'it names itself, to the letter' '.body.issuer == $base' --arg base "$base"
  check 'it names its endpoints' '.body | .token_endpoint == "\($base)/token" and .authorization_endpoint == "\($base)/authorize" and .jwks_uri == "\($base)/.well-known/jwks.json"' --arg base "$base"
  check 'it says that programs alone get tokens' '.body | .grant_types_supported == ["client_credentials"] and .response_types_supported == []'
  check 'it says how a program shows who it is' '.body.token_endpoint_auth_methods_supported | sort == ["client_secret_basic", "client_secret_post"]'
  check 'it knows the scopes' '.body.scopes_supported | sort == ["mcp:prompts", "mcp:read", "mcp:tools"]'
  as '' ask GET /authorize
  check 'nobody logs in here: 400, as a page' '.status == 400 and (header("content-type") | startswith("text/html"))'
  as '' ask GET '/authorize?response_type=code&client_id=x&redirect_uri=http%3A%2F%2Flocalhost%3A1%2Fcb&state=s'
  check 'and nobody is sent to an address that the caller chose' '.status == 400 and (.headers | has("location") | not) and (.text | contains("localhost:1") | not)'
}

# What a program gets for its secret (RFC 6749 §4.4, RFC 8707).
client_credentials() {
  local id secret token
  id=$(jq -r .client_id "$KEYS_DIR/client.json")
  secret=$(jq -r .client_secret "$KEYS_DIR/client.json")
  token_request -u "$id:$secret" -d grant_type=client_credentials
  check 'id and secret in the header give a token' '.status == 200 and .body.token_type == "Bearer" and .body.expires_in > 0 and (.body.access_token | split(".") | length == 3)'
  check 'nobody may keep the answer' 'header("cache-control") == "no-store"'
  check 'who asks for no scope gets all' '.body.scope | split(" ") | sort == ["mcp:prompts", "mcp:read", "mcp:tools"]'
  token=$(jq -r '.body.access_token // empty' "$WORK/answer")
  as "$token" modern tools/call '{"name": "whoami"}'
  check 'the token opens the endpoint, and is about the program' 'result and .body.result.structuredContent.subject == $id' --arg id "$id"
  token_request -d grant_type=client_credentials -d "client_id=$id" --data-urlencode "client_secret=$secret"
  check 'so do id and secret in the form' '.status == 200 and (.body.access_token | length > 0)'
  token_request -u "$id:$secret" -d grant_type=client_credentials -d scope=mcp:read -d "resource=$PUBLIC_URL"
  check 'who asks for one scope gets one' '.status == 200 and .body.scope == "mcp:read"'

  token_request -u "$id:$secret" -d grant_type=client_credentials -d resource=http://localhost:1/mcp
  check 'a token for another server is not to be had' 'refusal(400; "invalid_target")'
  token_request -u "$id:$secret" -d grant_type=client_credentials -d scope=mcp:everything
  check 'nor a scope that does not exist' 'refusal(400; "invalid_scope")'
  token_request -u "$id:wrong" -d grant_type=client_credentials
  check 'a wrong secret is 401, with a challenge' 'refusal(401; "invalid_client") and (challenge | startswith("Basic "))'
  token_request -d grant_type=client_credentials -d "client_id=$id" -d client_secret=wrong
  check 'in the form too' 'refusal(401; "invalid_client")'
  token_request -u "nobody:$secret" -d grant_type=client_credentials
  check 'an unknown client is answered the same' 'refusal(401; "invalid_client")'
  token_request -d grant_type=client_credentials
  check 'no credentials are none' 'refusal(401; "invalid_client")'
  check 'nobody may keep a refusal either' 'header("cache-control") == "no-store"'
  token_request -u "$id:$secret" -d grant_type=password -d username=alice -d password=x
  check 'there is no other grant' 'refusal(400; "unsupported_grant_type")'
  token_request -u "$id:$secret" -d scope=mcp:read
  check 'a request without a grant is no request' 'refusal(400; "invalid_request")'
  token_request -u "$id:$secret" -d grant_type=client_credentials -d grant_type=client_credentials
  check 'nor is one that says something twice' 'refusal(400; "invalid_request")'
  as '' ask GET /token
  check 'a token is posted for: GET is 405' '.status == 405 and (header("allow") | contains("POST"))'
}

token_request() { as '' ask POST /token "$@"; }

program_7() {
  local file=$KEYS_DIR/client.json
  [ -n "$KEYS_DIR" ] || return 0
  check_equal 'only we can read the secret of the client' 600 "$(mode "$file")"
  check_file 'the log says where it is' "$SERVER_LOG" 'client\.json'
  check_equal 'and never what it is' 0 "$(grep -cF -e "$(jq -r .client_secret "$file")" "$SERVER_LOG")"
  MCP_CLIENT_ID=me MCP_CLIENT_SECRET=short run --port 0
  check_sentence 'a secret that can be guessed stops the start' 'secret.*16'
}
