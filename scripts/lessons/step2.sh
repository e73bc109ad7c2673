# shellcheck shell=bash
# Lesson 2: JSON-RPC on POST /mcp, and who may knock.

lesson_2() {
  eras
  messages
  headers_tell_the_truth
  knocking
  bodies
}

# Both eras on one endpoint (T1, T12-T14, B2, B5-B8, G1, G4, G10).
eras() {
  modern server/discover '{}'
  check 'server/discover answers, and lists only 2026-07-28' 'result and .body.result.supportedVersions == ["2026-07-28"] and (.body.result.capabilities | type) == "object"'
  check 'its result is complete, and may be kept for five minutes' '.body.result | .resultType == "complete" and .ttlMs == 300000 and (.cacheScope | IN("public", "private"))'
  check 'it says who answers' '.body.result._meta["io.modelcontextprotocol/serverInfo"] | (.name | type) == "string" and (.version | type) == "string"'
  check 'no session id is issued' '.headers | has("mcp-session-id") | not'
  check 'an answer is JSON' 'header("content-type") == "application/json"'
  local declared
  for declared in $(jq -r '.body.result.capabilities | keys[]' "$WORK/answer"); do
    modern "$declared/list" '{}'
    check "it declares $declared, and serves them" result
  done
  modern server/discover '{"_meta": {"traceparent": "nonsense"}}'
  check 'a malformed traceparent is ignored' 'result'
  modern server/discover '{}' -H 'Mcp-Session-Id: of-somebody-else'
  check 'a stray Mcp-Session-Id is ignored' 'result'
  modern no/such/method '{}'
  check 'modern: an unknown method is 404, -32601' 'rpc_error(404; -32601) and .body.id == 1'
  modern initialize '{}'
  check 'modern: initialize is an unknown method' 'rpc_error(404; -32601)'
  modern ping '{}'
  check 'modern: ping is an unknown method' 'rpc_error(404; -32601)'

  local asked answered
  for asked in 2025-11-25 2025-06-18 2025-03-26 2026-07-28 1999-01-01; do
    case $asked in 2025-06-18) answered=2025-06-18 ;; *) answered=2025-11-25 ;; esac
    post "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"$asked\",\"capabilities\":{},\"clientInfo\":{\"name\":\"t\",\"version\":\"1\"}}}"
    check "initialize for $asked agrees on $answered" 'result and .body.result.protocolVersion == $answered and (.body.result.serverInfo.name | type) == "string"' --arg answered "$answered"
  done
  check 'and issues no session id' '.headers | has("mcp-session-id") | not'
  post '{"jsonrpc":"2.0","method":"notifications/initialized"}' -H 'MCP-Protocol-Version: 2025-11-25'
  check 'notifications/initialized is 202 without a body' '.status == 202 and .text == ""'
  legacy ping '{}'
  check 'ping is answered with {}' 'result and .body.result == {}'
  legacy ping '{}' -H 'MCP-Protocol-Version: 2025-11-25' -H 'Mcp-Session-Id: of-somebody-else'
  check 'a version header that is there twice is refused' '.status == 400'
  post '{"jsonrpc":"2.0","id":1,"method":"ping"}'
  check 'a request without any version is of the old era' 'result'
  legacy no/such/method '{}'
  check 'legacy: an unknown method is 200, -32601' 'rpc_error(200; -32601) and .body.id == 1'
  legacy server/discover '{}'
  check 'legacy: server/discover is an unknown method' 'rpc_error(200; -32601)'
  post '{"jsonrpc":"2.0","id":1,"method":"ping"}' -H 'MCP-Protocol-Version: 2025-06-18'
  check 'a request of 2025-06-18 is answered' result
  legacy ping '{}' -H 'Mcp-Method: tools/list'
  check 'legacy: Mcp-Method decides nothing, and is not compared' result
  post '{"jsonrpc":"2.0","method":"notifications/initialized"}' -H 'MCP-Protocol-Version: 1999-01-01'
  check 'a notification of an unknown version is 400' '.status == 400'
  post '{"jsonrpc":"2.0","id":1,"method":"ping"}' -H 'MCP-Protocol-Version: 1999-01-01'
  check 'an unknown version is 400, -32022, with all that are known' 'rpc_error(400; -32022) and .body.error.data == {"requested": "1999-01-01", "supported": ["2026-07-28", "2025-11-25", "2025-06-18"]}'
}

# One request or one notification (T4, T5, B1).
messages() {
  local body
  post '{"jsonrpc":"2.0","id":1,'
  check 'what is not JSON is 400, -32700' 'rpc_error(400; -32700)'
  post ''
  check 'an empty body is 400, -32700' 'rpc_error(400; -32700)'
  for body in '[]' '[{"jsonrpc":"2.0","id":1,"method":"ping"}]' '"ping"' '{}' '{"id":1,"method":"ping"}' \
    '{"jsonrpc":"1.0","id":1,"method":"ping"}' '{"jsonrpc":"2.0","id":null,"method":"ping"}' \
    '{"jsonrpc":"2.0","id":1.5,"method":"ping"}' '{"jsonrpc":"2.0","id":[1],"method":"ping"}' \
    '{"jsonrpc":"2.0","id":1}' '{"jsonrpc":"2.0","id":1,"method":7}' '{"jsonrpc":"2.0","id":1,"result":{}}' \
    '{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"x"}}' '{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}' \
    '{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}'; do
    post "$body"
    check "400, -32600 for $body" 'rpc_error(400; -32600)'
  done
  post '{"jsonrpc":"2.0","id":"a b","method":"ping"}'
  check 'an id may be a string, and comes back as it was' '.status == 200 and .body.id == "a b"'
  post "$(jq -c 'del(.id)' <<<"$(envelope notifications/cancelled '{}')")" "${MODERN[@]}" -H 'Mcp-Method: notifications/cancelled'
  check 'modern: a notification is 202 without a body' '.status == 202 and .text == ""'
  post '{"jsonrpc":"2.0","method":"ping"}'
  check 'a notification with the name of a method is 202 too, and runs nothing' '.status == 202 and .text == ""'
}

# The body is obeyed, and the headers must say the same (T11, T14-T17, B2).
headers_tell_the_truth() {
  local body
  body=$(envelope server/discover '{}')
  post "$body" -H 'Mcp-Method: server/discover'
  check 'a missing MCP-Protocol-Version is 400, -32020' 'rpc_error(400; -32020)'
  post "$body" -H 'Mcp-Method: server/discover' -H 'MCP-Protocol-Version: 2025-11-25'
  check 'another version in the header than in the body is 400, -32020' 'rpc_error(400; -32020)'
  post "$body" "${MODERN[@]}"
  check 'a missing Mcp-Method is 400, -32020' 'rpc_error(400; -32020)'
  post "$body" "${MODERN[@]}" -H 'Mcp-Method: tools/list'
  check 'a lying Mcp-Method is 400, -32020' 'rpc_error(400; -32020)'
  post "$body" "${MODERN[@]}" -H 'Mcp-Method: Server/Discover'
  check 'the value of Mcp-Method is case-sensitive' 'rpc_error(400; -32020)'
  post "$body" -H 'mcp-PROTOCOL-version: 2026-07-28' -H 'MCP-METHOD:   server/discover  '
  check 'names of headers are not, and blanks around a value do not count' 'result'
  body=$(envelope tools/call '{"name": "écho"}')
  post "$body" "${MODERN[@]}" -H 'Mcp-Method: tools/call'
  check 'a missing Mcp-Name is 400, -32020' 'rpc_error(400; -32020)'
  post "$body" "${MODERN[@]}" -H 'Mcp-Method: tools/call' -H 'Mcp-Name: another'
  check 'a lying Mcp-Name is 400, -32020' 'rpc_error(400; -32020)'
  post "$body" "${MODERN[@]}" -H 'Mcp-Method: tools/call' -H 'Mcp-Name: =?base64?w6ljaG8?='
  check 'a Mcp-Name in base64 without its padding is 400, -32020' 'rpc_error(400; -32020)'
  post "$body" "${MODERN[@]}" -H 'Mcp-Method: tools/call' -H 'Mcp-Name: =?base64?w6ljaG8=?='
  check 'a Mcp-Name in base64 is read' '.body.error.code | IN(-32601, -32602)'
  post "$(envelope tools/call '{"name": "=?base64?abc"}')" "${MODERN[@]}" -H 'Mcp-Method: tools/call' -H 'Mcp-Name: =?base64?abc'
  check 'half a marker of base64 is a name like any other' '.body.error.code | IN(-32601, -32602)'
  post '{"jsonrpc":"2.0","id":1,"method":"server/discover"}' "${MODERN[@]}" -H 'Mcp-Method: server/discover'
  check 'a missing _meta is 400, -32602' 'rpc_error(400; -32602)'
  post "$(jq -c 'del(.params._meta["io.modelcontextprotocol/clientCapabilities"])' <<<"$(envelope server/discover '{}')")" "${MODERN[@]}" -H 'Mcp-Method: server/discover'
  check 'missing clientCapabilities are 400, -32602' 'rpc_error(400; -32602)'
}

# Exactly our hosts, exactly our origins (T2, G8).
knocking() {
  local ours origin host
  ours=$(sed -E 's#^(https?://[^/]+).*#\1#' <<<"$PUBLIC_URL")
  for origin in http://localhost.evil.com http://evil.example "$ours.evil.com" "${ours}0" "${ours%:*}" null https://localhost; do
    legacy ping '{}' -H "Origin: $origin"
    check "the origin $origin is 403" 'refusal(403; "forbidden_origin") and (.headers | has("access-control-allow-origin") | not)'
  done
  legacy ping '{}' -H "Origin: $ours"
  check 'our own origin passes, and may read the answer' 'result and header("access-control-allow-origin") == $ours' --arg ours "$ours"
  check 'it may read WWW-Authenticate too' 'header("access-control-expose-headers") | ascii_downcase | contains("www-authenticate")'
  for host in localhost.evil.com evil.example "localhost.evil.com:${ours##*:}"; do
    legacy ping '{}' -H "Host: $host"
    check "the host $host is 403" 'refusal(403; "forbidden_host")'
  done
  case $ours in http://localhost:*)
    for host in localhost LocalHost 127.0.0.1 '[::1]'; do
      legacy ping '{}' -H "Host: $host:${ours##*:}"
      check "the host $host with our port is ours" result
    done ;;
  esac
  legacy ping '{}' -H 'Host: localhost.evil.com' -H "Origin: $ours"
  check 'a good origin does not save a bad host' '.status == 403'
  ask GET /health -H 'Host: probe.example'
  check 'a probe may come under any name' '.status == 200'
  ask GET /nothing-here -H 'Origin: http://localhost.evil.com'
  check 'the origin is asked before the path' '.status == 403'
  as '' ask OPTIONS /mcp -H "Origin: $ours" -H 'Access-Control-Request-Method: POST' -H 'Access-Control-Request-Headers: authorization, mcp-name'
  check 'a preflight from our origin is 204, and needs no token' '.status == 204 and header("access-control-allow-origin") == $ours and (header("access-control-allow-headers") | contains("mcp-name"))' --arg ours "$ours"
  as '' ask OPTIONS /mcp -H 'Origin: http://localhost.evil.com' -H 'Access-Control-Request-Method: POST'
  check 'a preflight from another is 403' '.status == 403'
  post '[]' -H "Origin: $ours"
  check 'our page may read a refusal' '.status == 400 and header("access-control-allow-origin") == $ours' --arg ours "$ours"
  check 'caches are told that answers differ by Origin' 'header("vary") | ascii_downcase | contains("origin")'
}

# Types, sizes and shapes (T6, T7, T9, T19, G2).
bodies() {
  local method
  for method in GET DELETE PUT; do
    ask "$method" /mcp -H 'Accept: text/event-stream'
    check "$method /mcp is 405 with Allow" '.status == 405 and (header("allow") | contains("POST"))'
  done
  post '{"jsonrpc":"2.0","id":1,"method":"ping"}' -H 'Content-Type: text/plain'
  check 'two content types are 415' '.status == 415'
  ask POST /mcp -H 'Content-Type: text/plain' -d '{"jsonrpc":"2.0","id":1,"method":"ping"}'
  check 'text/plain is 415' 'refusal(415; "unsupported_media_type")'
  ask POST /mcp -d 'access_token=x'
  check 'a form is 415' 'refusal(415; "unsupported_media_type")'
  ask POST /mcp -H 'Content-Type: Application/JSON; charset=utf-8' -d '{"jsonrpc":"2.0","id":1,"method":"ping"}'
  check 'application/json with a charset is good' 'result'
  post '{"jsonrpc":"2.0","id":1,"method":"ping"}' -H 'Content-Encoding: gzip'
  check 'a compressed body is 415' '.status == 415'

  legacy ping '{}' -H 'Accept: application/json'
  check 'a narrow Accept is answered' 'result'
  legacy ping '{}' -H 'Accept;'
  check 'an empty Accept is answered' 'result'
  post '{"jsonrpc":"2.0","id":1,"method":"ping"}' -H 'Accept: text/event-stream'
  check 'who accepts nothing but a stream gets one of one event' '.status == 200 and header("content-type") == "text/event-stream"
    and header("x-accel-buffering") == "no" and (.text | split("\n") | map(select(startswith("data:"))) | length == 1 and (.[0][5:] | fromjson | .result == {} and .id == 1))'

  ping_of_depth 64
  check 'JSON of depth 64 is read' 'result'
  ping_of_depth 65
  check 'JSON of depth 65 is 400, -32700' 'rpc_error(400; -32700)'
  ping_of_size 1048576
  check 'a body of 1 MiB is read' 'result'
  ping_of_size 1048577
  check 'one byte more is 413' 'refusal(413; "content_too_large")'
  ask POST /mcp -H 'Content-Type: text/plain' -H 'Expect: 100-continue' --data-binary "@$WORK/big"
  check 'a wrong type is told before the size' 'refusal(415; "unsupported_media_type")'
}

# The message and its parameters are two levels; lists are the rest.
ping_of_depth() {
  post "$(jq -nc --argjson n "$(($1 - 2))" '{jsonrpc: "2.0", id: 1, method: "ping", params: {x: (reduce range($n - 1) as $_ ([]; [.]))}}')"
}

ping_of_size() {
  local start='{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"' end='"}}'
  { printf '%s' "$start" && head -c $(($1 - ${#start} - ${#end})) /dev/zero | tr '\0' x && printf '%s' "$end"; } >"$WORK/big"
  ask POST /mcp -H 'Content-Type: application/json' -H 'Expect:' --data-binary "@$WORK/big"
}

# What needs a server with settings of its own, and one that is stopped.
program_2() {
  local url=$URL token=$TOKEN issuer=$ISSUER
  start narrow "$PROGRAM" --port 0 --allow-origin http://localhost:6274 --allow-host mcp.example:8443 \
    --max-requests 1 --body-timeout 2 --header-timeout 2 ${TRUSTED[@]+"${TRUSTED[@]}"}
  URL=$STARTED_URL
  token_for "$1" "$URL"
  legacy ping '{}' -H 'Origin: http://localhost:6274'
  check '--allow-origin lets one in' 'result and header("access-control-allow-origin") == "http://localhost:6274"'
  legacy ping '{}' -H 'Origin: http://localhost:62740'
  check 'and exactly that one' '.status == 403'
  legacy ping '{}' -H 'Host: mcp.example:8443'
  check '--allow-host lets one in' 'result'

  hold_body
  legacy ping '{}'
  check 'over --max-requests it is 503 with Retry-After' 'refusal(503; "temporarily_unavailable") and header("retry-after") == "1"'
  check_equal 'a body that does not come is cut off with 408' 'HTTP/1.1 408 Request Timeout' "$(status_line)"
  check_equal 'a header that does not come is cut off' closed "$(half_a_header)"

  hold_body
  kill -TERM "$STARTED_PID"
  until_true 5 says "$LOG" stopping || true
  printf '%s' "$REST" >&9
  check_equal 'a request in flight is answered after SIGTERM' 'HTTP/1.1 200 OK' "$(status_line)"
  exec 9>&-
  EXIT='none: it still runs after 12 s'
  if until_true 12 has_ended "$STARTED_PID"; then EXIT=0 && wait "$STARTED_PID" || EXIT=$?; fi
  check_equal 'and then the server ends with exit status 0' 0 "$EXIT"
  URL=$url TOKEN=$token ISSUER=$issuer
}

# hold_body: sends the header and half of the body of a request on descriptor 9. The server's "100
# Continue" says that it has read the header and waits for the body.
hold_body() {
  local body='{"jsonrpc":"2.0","id":1,"method":"ping"}' path=${URL#*://} who=''
  [ -z "$TOKEN" ] || who="Authorization: Bearer $TOKEN"$'\r\n'
  exec 9<>"/dev/tcp/127.0.0.1/$(port_of "$URL")"
  printf 'POST /%s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %s\r\nExpect: 100-continue\r\n%s\r\n%s' \
    "${path#*/}" "${path%%/*}" "${#body}" "$who" "${body%%,*}" >&9
  check_equal 'the server waits for the rest of a body' 'HTTP/1.1 100 Continue' "$(status_line)"
  REST=,${body#*,}
}

# status_line: the next status line on descriptor 9, with the header after it read too; empty after 10 s.
status_line() {
  local first='' line='begun'
  IFS= read -r -t 10 first <&9 || true
  while [ -n "${line%$'\r'}" ] && IFS= read -r -t 5 line <&9; do :; done
  say "${first%$'\r'}"
}

port_of() {
  local rest=${1#*://}
  rest=${rest%%/*}
  say "${rest##*:}"
}

# half_a_header: says "closed" when the server closes a connection on which no header ends.
half_a_header() {
  local line='' begun=$SECONDS
  exec 8<>"/dev/tcp/127.0.0.1/$(port_of "$URL")"
  printf 'GET /health HTTP/1.1\r\nHost: localhost\r\n' >&8
  while IFS= read -r -t 8 line <&8; do :; done
  if [ $((SECONDS - begun)) -lt 8 ]; then say closed; else say 'still open after 8 s'; fi
  exec 8>&-
}
