#!/usr/bin/env bash
# Does anything that a stranger can send get past the layer, or bring it down? Coverage-guided fuzzing (cargo-fuzz, libFuzzer)
# of the whole way from the bytes of a request to the service: mcp-auth/fuzz/targets/door.rs.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/cache.sh

usage() {
  cat <<TEXT
usage: scripts/fuzz.sh [SECONDS]     SECONDS of fuzzing, 60 if not said; 1800 before a release

What it finds is written to mcp-auth/fuzz/artifacts/door; an input is tried again with
  cargo fuzz run --sanitizer none door FILE      in mcp-auth
Corpus and build: $CACHE/fuzz (MCP_AUTH_CACHE)
TEXT
}

case ${1:-60} in
  --help | -h) usage && exit 0 ;;
  *[!0-9]* | 0) usage >&2 && exit 2 ;;
esac

tool=$(cargo_fuzz)
corpus=$CACHE/fuzz/corpus
mkdir -p "$corpus"
cd mcp-auth
# safe Rust alone is of interest here, so no sanitizer: several times quicker, and the stable compiler will do
"$tool" run --sanitizer none --target-dir "$CACHE/fuzz/target" door "$corpus" fuzz/seeds/door -- \
  -dict=fuzz/door.dict -max_len=4096 -max_total_time="${1:-60}" -print_final_stats=1 -verbosity=0 2>&1 |
  sed '/^###### Recommended/,/^###### End/d'
