#!/usr/bin/env bash
# What does the layer cost, beside what one would do without it? Builds the servers, measures them side by side, and writes
# docs/performance.md. Needs Linux with two cores, and wrk, jq and taskset (Debian: wrk, jq, util-linux).
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: bench/run.sh [--quick | --memory]

Without a flag: every row in five rounds of 2 s, about 8 minutes on a machine that has nothing else to do, and
docs/performance.md is written anew.

  --quick   every row once for 1 s, about a minute: only whether every server answers as it should; writes nothing
            into docs
  --memory  200,000 requests with 100,000 distinct tokens, half a minute: fails when the memory grows
TEXT
}

die() { printf 'run.sh: %s\n' "$*" >&2; exit 2; }

MODE=all
case ${1:-} in
  '') ;;
  --quick) MODE=quick ;;
  --memory) MODE=memory ;;
  --help | -h) usage && exit 0 ;;
  *) usage >&2 && exit 2 ;;
esac
[ $# -le 1 ] || { usage >&2 && exit 2; }

[ "$(uname -s)" = Linux ] || die 'the CPU and the memory of the servers are read from /proc, which only Linux has'
for tool in cargo jq taskset wrk; do
  command -v "$tool" >/dev/null || die "$tool is missing; on Debian: apt install wrk jq util-linux"
done
taskset -c 0,1 true 2>/dev/null || die 'two cores are needed, one for the server and one for the load: 0 and 1'

cd "$(dirname "${BASH_SOURCE[0]}")"
MEASURE=$(cargo build -q --release --bins --message-format=json |
  jq -r 'select(.reason == "compiler-artifact" and .target.name == "measure").executable // empty')
[ -x "$MEASURE" ] || die 'cargo build made no program measure'

# Keys and tokens for a day, where programs are built: nothing trusts them but these servers.
TOKENS=$(dirname "$MEASURE")/bench-tokens COMPILER=$(rustc --version)

case $MODE in
  memory) exec "$MEASURE" memory --tokens "$TOKENS" ;;
  quick)
    OUT=$(mktemp)
    trap 'rm -f "$OUT"' EXIT
    "$MEASURE" run --tokens "$TOKENS-quick" --out "$OUT" --compiler "$COMPILER" --rounds 1 --seconds 1 --distinct 40000
    printf 'every row has been measured, and every answer was right; how fast it was says nothing\n'
    ;;
  all) "$MEASURE" run --tokens "$TOKENS" --out ../docs/performance.md --compiler "$COMPILER" ;;
esac
