# shellcheck shell=bash
# Lesson 1: a server that lives and dies well.

lesson_1() {
  local id
  ask GET /health
  check 'GET /health is 200 {"status":"healthy"}' '.status == 200 and .body == {"status": "healthy"} and header("content-type") == "application/json"'
  ask HEAD /health
  check 'HEAD /health is 200, of the same type' '.status == 200 and header("content-type") == "application/json"'
  ask GET '/health?token=secret'
  check 'a query changes nothing on /health' '.status == 200'
  ask GET /nothing-here
  check 'an unknown path is 404, as JSON' 'refusal(404; "not_found")'
  ask POST /nothing-here -H 'Content-Type: application/json' -d '{}'
  check 'an unknown path is 404 whatever the method' 'refusal(404; "not_found")'
  ask DELETE /health
  check 'a wrong method is 405, as JSON, with Allow' 'refusal(405; "method_not_allowed") and (header("allow") | contains("GET") and contains("HEAD"))'

  ask GET /health
  check 'every answer has an x-request-id' 'header("x-request-id") | test("^[A-Za-z0-9-]{1,64}$")'
  id=$(jq -r '.headers["x-request-id"][0]' "$WORK/answer")
  ask GET /health
  check 'the next answer has another one' 'header("x-request-id") != $id' --arg id "$id"
  ask GET /nothing-here
  check 'so has a 404' 'header("x-request-id") | length > 0'
  ask DELETE /health
  check 'so has a 405' 'header("x-request-id") | length > 0'
  ask GET /health -H 'x-request-id: My-own-id-1'
  check 'a harmless x-request-id from outside is kept' 'header("x-request-id") == "My-own-id-1"'
  id=$(printf '%064d' 7)
  ask GET /health -H "x-request-id: $id"
  check 'one of 64 characters too' 'header("x-request-id") == $id' --arg id "$id"
  ask GET /health -H "x-request-id: ${id}7"
  check 'one of 65 characters is replaced' 'header("x-request-id") | length > 0 and . != $id' --arg id "${id}7"
  for id in 'two words' 'a_b' 'a;b' 'a"b' '../x' 'ä'; do
    ask GET /health -H "x-request-id: $id"
    check "the x-request-id $id is replaced" '.status == 200 and (header("x-request-id") | test("^[A-Za-z0-9-]{1,64}$"))'
  done
}

# What only the log, the settings and the end of the program can show.
program_1() {
  local port pid
  ask GET '/health?token=never-log-me' -H 'x-request-id: look-for-me'
  until_true 5 says "$SERVER_LOG" look-for-me || true
  check_file 'a request has one line in the log: id, method, path, status, duration' "$SERVER_LOG" 'look-for-me.*GET /health 200 .*ms'
  check_equal 'and one only' 1 "$(grep -c look-for-me "$SERVER_LOG")"
  check_equal 'a query is never logged' 0 "$(grep -c never-log-me "$SERVER_LOG")"

  port=${URL%/mcp} port=${port##*:}
  fetch "http://127.0.0.1:$port/health"
  check '127.0.0.1 answers' '.status == 200'
  if has_ipv6; then
    fetch "http://[::1]:$port/health" -g
    check '::1 answers, where the machine has it' '.status == 200'
  fi
  run --port "$port"
  check_sentence "a taken port stops the start" "port $port on .* is taken.*--port"
  run --port 70000
  check_sentence 'a wrong port stops the start' "70000.*--port.*MCP_PORT"
  run --public-url ftp://localhost --port 0
  check_sentence 'a wrong public URL stops the start' "ftp://localhost.*--public-url.*MCP_PUBLIC_URL"
  MCP_PORT=many run
  check_sentence 'a wrong MCP_PORT stops the start' "many.*--port.*MCP_PORT"
  echo 'MCP_HOST=not-an-address' >"$WORK/.env"
  run --port 0
  check_sentence 'a wrong MCP_HOST in .env stops the start' "not-an-address.*--host.*MCP_HOST"
  echo 'MCP_PUBLIC_URL=HTTP://LocalHost:1234/base/' >"$WORK/.env"
  start named "$PROGRAM" --port 0 --host 127.0.0.1 ${TRUSTED[@]+"${TRUSTED[@]}"}
  check_file '.env is read, and the first line on stdout is the public URL' "$WORK/named.out" '^http://localhost:1234/base(/mcp)?$'
  [ "$1" -ge 9 ] || check_equal 'that line is alone on stdout' 1 "$(wc -l <"$WORK/named.out" | tr -d ' ')"
  rm "$WORK/.env"

  pid=$STARTED_PID
  kill -TERM "$pid"
  EXIT='none: it still runs after 12 s'
  if until_true 12 has_ended "$pid"; then EXIT=0 && wait "$pid" || EXIT=$?; fi
  check_equal 'SIGTERM ends it with exit status 0' 0 "$EXIT"
}

has_ipv6() { ifconfig lo0 2>/dev/null | grep -q 'inet6 ::1' || grep -q '^0\{31\}1 ' /proc/net/if_inet6 2>/dev/null; }

# check_sentence SENTENCE REGEX: the last `run` failed with exit status 1 and one line that says this.
check_sentence() {
  check_equal "$1: exit status 1" 1 "$EXIT"
  check_equal "$1: one sentence" 1 "$(wc -l <"$WORK/run.err" | tr -d ' ')"
  check_file "$1: it names what is wrong" "$WORK/run.err" "$2"
}
