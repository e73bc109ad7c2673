# shellcheck shell=bash
# How does a check of many parts run them all, time them, and sum them up? Works with bash 3.2.

SUMMARY='' FAILED_PARTS=0
MAY_NOT_RUN='advisories' # whatever else does not run has failed

# part NAME SENTENCE: runs the function part_NAME in a shell of its own, whatever became of the parts before.
# Its exit status: 0 ok, 77 "not run" (it has said why; only a part of MAY_NOT_RUN may), anything else FAILED.
part() {
  local status=0 begun=$SECONDS word
  printf '\n== %s: %s\n' "$1" "$2"
  # in the background, because `set -e` sleeps in whatever stands before || or in an `if`
  (set -e && "part_$1") &
  wait $! || status=$?
  case $status in
    0) word=ok ;;
    77)
      word='not run'
      case " $MAY_NOT_RUN " in *" $1 "*) ;; *) FAILED_PARTS=$((FAILED_PARTS + 1)) ;; esac
      ;;
    *) word=FAILED && FAILED_PARTS=$((FAILED_PARTS + 1)) ;;
  esac
  printf '== %s: %s, %s s\n' "$1" "$word" $((SECONDS - begun))
  SUMMARY="$SUMMARY$(printf '%-14s %-8s %5s s   %s' "$1" "$word" $((SECONDS - begun)) "$2")
"
}

not_run() {
  printf 'not run: %s\n' "$*"
  exit 77
}

# finish: the summary, and exit status 1 if a part failed.
finish() {
  printf '\n%s' "$SUMMARY"
  printf '%-14s %-8s %5s s\n' all "$([ "$FAILED_PARTS" -eq 0 ] && echo ok || echo FAILED)" "$SECONDS"
  [ "$FAILED_PARTS" -eq 0 ] || exit 1
}

# cargo_test ARGUMENTS…: cargo test, which must run at least one test: a filter that finds none passes too.
cargo_test() {
  local log
  log=$(mktemp "${TMPDIR:-/tmp}/mcp-auth-check.XXXXXX")
  cargo test "$@" 2>&1 | tee "$log"
  grep -qE '^test result: ok\. [1-9]' "$log" || {
    printf 'no test ran: cargo test %s\n' "$*"
    return 1
  }
  rm -f "$log"
}
