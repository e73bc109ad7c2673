# shellcheck shell=bash
# How is a server asked, and what is a check?
#
# A check is one filter of jq, asked of the last answer:
#   {"status": 200, "headers": {"content-type": ["application/json"]}, "body": {…} or null, "text": "…"}
# Status 0 means that there was no answer; `text` then says why.

# fetch URL CURL-ARGUMENTS…: asks, and leaves the answer for `check`.
fetch() {
  local url=$1 status=0
  shift
  : >"$WORK/headers"
  : >"$WORK/body"
  curl -q -sS --noproxy '*' --max-time 20 -D "$WORK/headers" -o "$WORK/body" "$@" "$url" 2>"$WORK/curl.err" || status=$?
  [ "$status" -eq 0 ] || cp "$WORK/curl.err" "$WORK/body"
  jq -n --argjson failed "$status" --rawfile head "$WORK/headers" --rawfile text "$WORK/body" '
    ($head | split("\r\n\r\n") | map(select(length > 0)) | last // "" | split("\r\n") | map(select(length > 0))) as $lines
    | { status: (if $failed == 0 then ($lines[0] | split(" ")[1] | tonumber) else 0 end),
        headers: (reduce ($lines[1:][] | capture("^(?<name>[^:]+): *(?<value>.*)$")) as $line ({};
          .[$line.name | ascii_downcase] += [$line.value])),
        body: (try ($text | fromjson) catch null),
        text: $text }' >"$WORK/answer"
}

# ask METHOD PATH CURL-ARGUMENTS…: asks this server; the endpoint gets the token, where there is one.
ask() {
  local method=$1 path=$2
  shift 2
  if [ "$method" = HEAD ]; then set -- --head "$@"; else set -- -X "$method" "$@"; fi
  case $TOKEN:$path in
    ?*:/mcp*) set -- -H "Authorization: Bearer $TOKEN" "$@" ;;
  esac
  fetch "${URL%/mcp}$path" "$@"
}

# as TOKEN COMMAND…: asks with this token, or with none if it is empty.
as() {
  local TOKEN=$1
  shift
  "$@"
}

# post BODY CURL-ARGUMENTS…: posts these very bytes to the endpoint as JSON.
post() {
  printf '%s' "$1" >"$WORK/request"
  shift
  ask POST /mcp -H 'Content-Type: application/json' -H 'Expect:' --data-binary "@$WORK/request" "$@"
}

# envelope METHOD PARAMS [ID]: one JSON-RPC message of the modern era.
envelope() {
  jq -nc --arg method "$1" --argjson params "$2" --argjson id "${3:-1}" '
    {jsonrpc: "2.0", id: $id, method: $method,
     params: ($params + {_meta: ({"io.modelcontextprotocol/protocolVersion": "2026-07-28",
                                  "io.modelcontextprotocol/clientCapabilities": {}} + ($params._meta // {}))})}'
}

MODERN=(-H 'MCP-Protocol-Version: 2026-07-28' -H 'Accept: application/json, text/event-stream')

# modern METHOD PARAMS CURL-ARGUMENTS…: a request as 2026-07-28 wants it, with its headers.
modern() {
  local method=$1 params=$2 name
  shift 2
  name=$(jq -r '.name // .uri // empty' <<<"$params")
  if [ -n "$name" ]; then set -- -H "Mcp-Name: $name" "$@"; fi
  post "$(envelope "$method" "$params")" "${MODERN[@]}" -H "Mcp-Method: $method" "$@"
}

# legacy METHOD PARAMS CURL-ARGUMENTS…: a request as 2025-11-25 wants it.
legacy() {
  local method=$1 params=$2 body
  shift 2
  body=$(jq -nc --arg method "$method" --argjson params "$params" '{jsonrpc: "2.0", id: 1, method: $method, params: $params}')
  post "$body" -H 'MCP-Protocol-Version: 2025-11-25' -H 'Accept: application/json, text/event-stream' "$@"
}

# Words for the filters: a header as one string; JSON-RPC results and errors; refusals in OAuth's shape.
# shellcheck disable=SC2016
WORDS='
  def header(name): .headers[name] // [] | join(", ");
  def result: .status == 200 and .body.jsonrpc == "2.0" and .body.id == 1 and (.body.result | type) == "object" and .body.error == null;
  def rpc_error(status; code): .status == status and .body.jsonrpc == "2.0" and .body.error.code == code
    and (.body.error.message | type) == "string" and (.body | has("result") | not);
  def refusal(status; word): .status == status and .body.error == word and (.body.error_description | type) == "string"
    and (header("content-type") | startswith("application/json"));
  def challenge: header("www-authenticate");
  def no_credentials: .status == 401 and (challenge | test("^Bearer( |$)") and (contains("error") | not))
    and (.body | type == "object" and (has("error") | not));
  def malformed_credentials: refusal(400; "invalid_request") and (challenge | test("^Bearer .*error=\"invalid_request\""));
  def invalid_token: refusal(401; "invalid_token") and (challenge | test("^Bearer .*error=\"invalid_token\""));
  def insufficient(scope): refusal(403; "insufficient_scope")
    and (challenge | test("^Bearer .*error=\"insufficient_scope\"") and contains("scope=\"\(scope)\"") and contains("resource_metadata=\""));'

# check SENTENCE FILTER JQ-ARGUMENTS…: does the last answer keep this promise?
check() {
  local sentence=$1 filter=$2 got
  shift 2
  if jq -e "$@" "$WORDS $filter" "$WORK/answer" >/dev/null 2>"$WORK/jq.err"; then
    passed "$sentence"
  else
    got=$(jq -c 'if .body != null then del(.text) else . end' "$WORK/answer")
    failed "$sentence" "$filter$(sed 's/^/ /' "$WORK/jq.err")" "$got"
  fi
}

# check_file SENTENCE FILE REGEX: does a line of this file look like this?
check_file() {
  if grep -qE -- "$3" "$2"; then passed "$1"; else failed "$1" "a line like $3" "$(tail -n 5 "$2")"; fi
}

# check_equal SENTENCE EXPECTED GOT
check_equal() {
  if [ "$2" = "$3" ]; then passed "$1"; else failed "$1" "$2" "$3"; fi
}

passed() {
  CHECKS=$((CHECKS + 1))
  say "ok      $1"
}

failed() {
  CHECKS=$((CHECKS + 1))
  FAILURES=$((FAILURES + 1))
  say "FAILED  $1"
  say "          expected  $(tr -s ' \n' '  ' <<<"$2")"
  say "          got       $(head -c 2000 <<<"$3")"
  [ -z "$STOP" ] || exit 1
}
