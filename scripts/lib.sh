# shellcheck shell=bash
# What do the scripts test_stepN.sh share? Starting a step, asking it what its lessons promise, and
# asking the same with one promise broken. Works with bash 3.2.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$ROOT/scripts/lessons/ask.sh"
for lesson in "$ROOT"/scripts/lessons/step*.sh; do . "$lesson"; done

CHECKS=0 FAILURES=0 PIDS=() URL='' TOKEN='' LOG='' PROGRAM='' PUBLIC_URL='' STOP='' KEYS_DIR='' COMMAND='' ISSUER='' TRUSTED=()

say() { printf '%s\n' "$*"; }
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 2; }

need() {
  local tool
  for tool in "$@"; do
    command -v "$tool" >/dev/null || die "$tool is missing; install it with your package manager (apt install $tool, brew install $tool) and run this again"
  done
}

# The exit status survives the cleanup; servers that we started do not.
cleanup() {
  local status=$? pid
  trap - EXIT INT TERM
  for pid in ${PIDS[@]+"${PIDS[@]}"}; do kill "$pid" 2>/dev/null || true; done
  for pid in ${PIDS[@]+"${PIDS[@]}"}; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$WORK"
  exit "$status"
}

# prepare: a folder of our own, and no setting from outside: neither MCP_* nor a .env.
prepare() {
  local name
  need curl jq cargo
  WORK=$(mktemp -d "${TMPDIR:-/tmp}/mcp-auth-test.XXXXXX")
  trap cleanup EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  for name in $(compgen -e MCP_); do unset "$name"; done
  export MCP_LOGIN_PORT=0 # step 9's place to log in
}

# until_true SECONDS COMMAND…: waits until the command succeeds; fails when the time is over.
until_true() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.05
  done
}

has_line() { [ -s "$1" ] && [ "$(wc -l <"$1")" -ge 1 ]; }
has_line_or_ended() { has_line "$1" || ! kill -0 "$2" 2>/dev/null; }
has_ended() { ! kill -0 "$1" 2>/dev/null; }
says() { grep -q -- "$2" "$1"; }

# build PACKAGE NAME [--example]: builds a program and prints where it is.
build() {
  local found
  found=$(cd "$ROOT" && cargo build -q -p "$1" "${3:---bin}" "$2" --message-format=json |
    jq -r --arg bin "$2" 'select(.reason == "compiler-artifact" and .target.name == $bin).executable // empty') ||
    die "cargo build -p $1 ${3:---bin} $2 failed"
  [ -x "$found" ] || die "cargo build -p $1 made no program $2"
  say "$found"
}

# start NAME PROGRAM ARGUMENTS…: starts a server in our folder. Sets STARTED_URL (its first line), STARTED_PID, LOG.
start() {
  local name=$1
  shift
  LOG=$WORK/$name.log
  : >"$WORK/$name.out"
  (cd "$WORK" && NO_COLOR=1 exec "$@" >"$WORK/$name.out" 2>"$LOG" </dev/null) &
  STARTED_PID=$!
  PIDS+=("$STARTED_PID")
  until_true 30 has_line_or_ended "$WORK/$name.out" "$STARTED_PID" || die "$name did not say where it listens within 30 s"
  has_line "$WORK/$name.out" || die "$name did not start: $(tail -n 3 "$LOG")"
  STARTED_URL=$(head -n 1 "$WORK/$name.out")
}

# The lessons read what these set.
# shellcheck disable=SC2034
# run ARGUMENTS…: runs the step's program, which is to fail at once. Sets EXIT; stderr is in $WORK/run.err.
run() {
  EXIT=0
  (cd "$WORK" && RUST_LOG=error exec "$PROGRAM" "$@" >"$WORK/run.out" 2>"$WORK/run.err" </dev/null) &
  local pid=$!
  PIDS+=("$pid")
  until_true 15 has_ended "$pid" || { kill "$pid"; say 'it still ran after 15 s' >>"$WORK/run.err"; }
  wait "$pid" || EXIT=$?
}

usage() {
  cat <<TEXT
usage: scripts/test_step$1.sh [--url URL [--public-url URL] [--token TOKEN | --keys-dir DIR]] [--issuer URL [--audience URL] --token TOKEN]
                             [--lesson N] [--stop] [--self-test]

Asks step $1 what its lesson and the lessons before it promise, with curl and jq. Exit status: 0 all
kept, 1 a promise is broken, 2 the checks could not be made.

  --url URL      a server that runs already: its first line, such as http://localhost:9000/mcp;
                 without it the step is built and started on a free port, and its log is looked at too
  --public-url URL  what the server at --url calls itself, where that is something else
  --token TOKEN  a token with all scopes, for a server at --url that asks for one
  --keys-dir DIR the folder with the keys that the server at --url trusts; without it the checks
                 that need tokens of their own making are left out
  --issuer URL   step 9 alone: whose tokens the server that we start is to take; without it, it has people of its own
  --audience URL whom the tokens of that issuer are for, where that is not the server's own address
  --lesson N     only what this lesson promises
  --stop         end at the first promise that is broken
  --self-test    checks the checks: breaks one promise at a time on the way, and expects a failure
TEXT
}

# shellcheck disable=SC2034 # ask.sh reads STOP
# test_step N ARGUMENTS…: the whole of test_stepN.sh.
test_step() {
  local step=$1 self_test='' lesson lessons=''
  shift
  while [ $# -gt 0 ]; do
    case $1 in
      --url) URL=${2:?--url needs a URL} && shift 2 ;;
      --token) TOKEN=${2:?--token needs a token} && shift 2 ;;
      --public-url) PUBLIC_URL=${2:?--public-url needs a URL} && shift 2 ;;
      --keys-dir) KEYS_DIR=${2:?--keys-dir needs a folder} && shift 2 ;;
      --issuer | --audience) TRUSTED+=("$1" "${2:?$1 needs a URL}") && shift 2 ;;
      --lesson) lessons=${2:?--lesson needs a number} && shift 2 ;;
      --stop) STOP=yes && shift ;;
      --self-test) self_test=yes && shift ;;
      --help | -h) usage "$step" && exit 0 ;;
      *) usage "$step" >&2 && exit 2 ;;
    esac
  done
  prepare
  if [ -n "$self_test" ]; then
    [ -z "$URL" ] || die '--self-test starts a server of its own; leave --url away'
    self_test "$step"
  else
    [ -n "$URL" ] || own_server "$step"
    PUBLIC_URL=${PUBLIC_URL:-$URL}
    token_for "$step" "$PUBLIC_URL"
    [ "$step" -lt 6 ] || [ -n "$TOKEN" ] || die "step $step asks for a token: --token TOKEN or --keys-dir DIR"
    for lesson in ${lessons:-$(seq 1 "$step")}; do
      say "lesson $lesson"
      "lesson_$lesson" "$step"
      [ -z "$PROGRAM" ] || "program_$lesson" "$step"
    done
    [ -n "$PROGRAM" ] || say 'not asked: what only the log, the settings and the end of a server of our own can show'
  fi
  if [ "$FAILURES" -gt 0 ]; then
    say "step $step: $FAILURES of $CHECKS checks FAILED"
    exit 1
  fi
  say "step $step: $CHECKS checks, all ok"
}

# shellcheck disable=SC2034
# own_server N: builds step N and starts it with its defaults, or for another issuer.
own_server() {
  PROGRAM=$(build "step$1" "step$1")
  start server "$PROGRAM" --port 0 ${TRUSTED[@]+"${TRUSTED[@]}"}
  URL=$STARTED_URL SERVER_LOG=$LOG
  [ ${#TRUSTED[@]} -gt 0 ] || KEYS_DIR=$WORK/.workshop # where a step in our folder makes its keys
}

# mint URL SUBJECT ARGUMENTS…: prints a token for the server of this URL, signed with the key it trusts: in step 9 that of the
# place to log in, which is another key and another name.
mint() {
  local url=$1 keys=$KEYS_DIR
  shift
  if [ -n "$ISSUER" ]; then
    case " $* " in *' --issuer '*) ;; *) set -- "$@" --issuer "$ISSUER" ;; esac
    if [ -d "$keys/login" ]; then
      keys=$keys/login
      case " $* " in *' --alg '*) ;; *) set -- "$@" --alg ES256 ;; esac
    fi
  fi
  "$COMMAND" token "$@" --server "${url%/mcp}" --keys-dir "$keys" --format raw
}

# token_for STEP URL: sets TOKEN to one with all scopes, where the step asks for one and the keys are known.
token_for() {
  if [ "$1" -ge 9 ]; then
    as '' ask GET /.well-known/oauth-protected-resource
    ISSUER=$(jq -r '.body.authorization_servers[0] // empty' "$WORK/answer")
  fi
  if [ "$1" -ge 6 ] && [ -n "$KEYS_DIR" ]; then
    COMMAND=${COMMAND:-$(build mcp-auth-cli mcp-auth)}
    TOKEN=$(mint "$2" everybody --scopes 'mcp:read mcp:tools mcp:prompts')
  fi
}

# self_test N: the same checks through a proxy that breaks one promise must fail, and through one that
# breaks nothing must not. Two proxies at a time.
self_test() {
  local step=$1 list
  own_server "$step"
  SPOIL=$(build workshop-tests spoil)
  list=$("$SPOIL" --break list --step "$step" | sed -nE 's/^([^ ]+) +from step ([0-9]+),.*/\1:\2/p')
  [ -n "$list" ] || die 'spoil knows nothing to break'
  # shellcheck disable=SC2086 # one word each
  set -- none $list
  while [ $# -gt 0 ]; do
    spoilt "$step" "$1" &
    PIDS+=("$!")
    if [ $# -gt 1 ]; then
      spoilt "$step" "$2" &
      PIDS+=("$!")
      judge "$1" "$2"
      shift 2
    else
      judge "$1"
      shift
    fi
  done
}

# spoilt STEP PROMISE:LESSON: runs the checks of the lesson (of all, if nothing is broken) through a proxy, in a shell of
# its own that ends the proxy. Leaves output and exit status in files.
spoilt() {
  local step=$1 promise=${2%:*} lesson=${2#*:} status=0
  PIDS=()
  trap 'kill ${PIDS[@]+"${PIDS[@]}"} 2>/dev/null || true' EXIT
  start "spoil-$promise" "$SPOIL" --upstream "$URL" --break "$promise"
  set -- --url "$STARTED_URL" --public-url "$URL" --keys-dir "$KEYS_DIR"
  [ "$promise" = none ] || set -- "$@" --lesson "$lesson" --stop
  "$ROOT/scripts/test_step$step.sh" "$@" >"$WORK/spoilt-$promise.txt" 2>&1 || status=$?
  printf '%s\n' "$status" >"$WORK/spoilt-$promise.status"
}

# judge PROMISE:LESSON…: waits for these, and says whether the checks have noticed.
judge() {
  local each promise status text
  wait "${PIDS[$((${#PIDS[@]} - 1))]}" "${PIDS[$((${#PIDS[@]} - $#))]}" || true
  for each in "$@"; do
    promise=${each%:*} text=$WORK/spoilt-${each%:*}.txt
    status=$(cat "$WORK/spoilt-$promise.status" 2>/dev/null || echo none)
    case $promise:$status in
      none:0) passed 'a proxy that breaks nothing breaks no check' ;;
      none:*) failed 'a proxy that breaks nothing breaks no check' 'exit status 0' "$(grep -A 2 FAILED "$text" || tail -n 3 "$text")" ;;
      *:1) passed "$promise is noticed: $(sed -n 's/^FAILED *//p' "$text" | head -n 1)" ;;
      *) failed "$promise is noticed" 'exit status 1' "exit status $status: $(tail -n 2 "$text")" ;;
    esac
  done
}
