#!/usr/bin/env bash
# How fast is the authorization server, beside one that many use? Builds it, installs the other one, measures them side by side, and
# writes its part of docs/performance.md. Needs what run.sh needs, and Node 22 or an older one with npm.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: bench/authorization.sh [--quick]

Without a flag: every row in five rounds of 2 s, about 7 minutes on a machine that has nothing else to do, and the part
"The authorization server" of docs/performance.md is written anew.

  --quick   every row once for 1 s, about a minute: only whether every server answers as it should; writes nothing
            into docs
TEXT
}

die() { printf 'authorization.sh: %s\n' "$*" >&2; exit 2; }

QUICK=''
case ${1:-} in
  '') ;;
  --quick) QUICK=yes ;;
  --help | -h) usage && exit 0 ;;
  *) usage >&2 && exit 2 ;;
esac
[ $# -le 1 ] || { usage >&2 && exit 2; }

[ "$(uname -s)" = Linux ] || die 'the CPU and the memory of the servers are read from /proc, which only Linux has'
for tool in cargo jq npm taskset wrk; do
  command -v "$tool" >/dev/null || die "$tool is missing; on Debian: apt install npm wrk jq util-linux"
done
taskset -c 0,1 true 2>/dev/null || die 'two cores are needed, one for the server and one for the load: 0 and 1'

cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/cache.sh
NODE=$(node_22)
PINS=$PWD/bench/provider
PROVIDER=$(installed "provider-$(pins "$PINS/package.json" "$PINS/package-lock.json")" \
  sh -c 'cp "$1/package.json" "$1/package-lock.json" . && npm ci --ignore-scripts --no-audit --no-fund' sh "$PINS")

# built PROGRAM CARGO_ARGUMENTS…: builds a program in this folder and prints where it is.
built() {
  local name=$1
  shift
  cargo build -q --release --bin "$name" --message-format=json "$@" |
    jq -r --arg name "$name" 'select(.reason == "compiler-artifact" and .target.name == $name).executable // empty'
}
SERVER=$(built authorization -p mcp-auth-server)
COMPARE=$(cd bench && built compare)
[ -x "$SERVER" ] && [ -x "$COMPARE" ] || die 'cargo build made no program'
WORK=$(mktemp -d "${TMPDIR:-/tmp}/mcp-auth-bench.XXXXXX")
trap 'rm -rf "$WORK"' EXIT

set -- run --server "$SERVER" --node "$NODE" --provider "$PROVIDER" --folder "$WORK" --compiler "$(rustc --version)" --day "$(date -u +%F)" \
  --version "oidc-provider $(jq -r .version "$PROVIDER/node_modules/oidc-provider/package.json")" --version "Node $("$NODE" --version)"
# the load, which runs in this program too, has a core of its own; servers are put on the other one
if [ -n "$QUICK" ]; then
  taskset -c 1 "$COMPARE" "$@" --out "$WORK/quick.md" --rounds 1 --seconds 1
  printf 'every row has been measured, and every answer was right; how fast it was says nothing\n'
else
  taskset -c 1 "$COMPARE" "$@" --out docs/performance.md
fi
