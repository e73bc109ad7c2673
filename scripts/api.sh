#!/usr/bin/env bash
# What does the library `mcp-auth` promise to those who build on it? Its public items, one a line, stand in mcp-auth/api.txt: a
# change of the API is seen in review. And nothing that was released is broken without a new version.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/cache.sh

LIST=mcp-auth/api.txt TARGET=${CARGO_TARGET_DIR:-$PWD/target}

usage() {
  cat <<TEXT
usage: scripts/api.sh [--bless | --semver]

Compares the public items of mcp-auth (all features) with $LIST.

  --bless    writes $LIST anew
  --semver   compares the crate with its last release too (tag v…), by cargo-semver-checks, which takes minutes to build
TEXT
}

case ${1:-} in
  '' | --bless | --semver) ;;
  --help | -h) usage && exit 0 ;;
  *) usage >&2 && exit 2 ;;
esac

WORK=$(mktemp -d "${TMPDIR:-/tmp}/mcp-auth-api.XXXXXX")
trap 'rm -rf "$WORK"' EXIT

# Only rustdoc is told that it may do what is not stable: a build that is told so throughout starts from nothing.
printf '#!/bin/sh\nRUSTC_BOOTSTRAP=1 exec rustdoc "$@"\n' >"$WORK/rustdoc"
chmod +x "$WORK/rustdoc"

# described MANIFEST FILE: what rustdoc knows of the crate, as JSON.
described() {
  RUSTDOC=$WORK/rustdoc cargo rustdoc -q --manifest-path "$1" --target-dir "$TARGET" --all-features --lib -- \
    -Z unstable-options --output-format json --cap-lints allow
  mv "$TARGET/doc/mcp_auth.json" "$2"
}

described mcp-auth/Cargo.toml "$WORK/now.json"
"$(cargo_public_api)" public-api --rustdoc-json "$WORK/now.json" -sss >"$WORK/now.txt"
[ "$(wc -l <"$WORK/now.txt")" -gt 100 ] || { echo 'rustdoc describes next to nothing' && exit 1; }
if [ "${1:-}" = --bless ]; then
  cp "$WORK/now.txt" "$LIST"
else
  diff -u "$LIST" "$WORK/now.txt" || {
    printf 'The API has changed. If that is meant: scripts/api.sh --bless, and say so in the commit.\n'
    exit 1
  }
fi
printf '%s public items, as listed\n' "$(wc -l <"$LIST")"

[ "${1:-}" = --semver ] || exit 0

# semver BASELINE CURRENT
semver() {
  "$(cargo_semver_checks)" semver-checks --baseline-rustdoc "$1" --current-rustdoc "$2"
}

# Is a break noticed at all? A copy that has lost one function must not pass.
python3 - "$WORK/now.json" "$WORK/broken.json" <<'PYTHON'
import json, sys
crate = json.load(open(sys.argv[1]))
lost = [id for id, item in crate["index"].items() if item["name"] == "mcp_scopes" and "function" in item["inner"]]
assert len(lost) == 1, lost
del crate["index"][lost[0]]
for item in crate["index"].values():
    items = item["inner"].get("impl", {}).get("items", [])
    if int(lost[0]) in items:
        items.remove(int(lost[0]))
json.dump(crate, open(sys.argv[2], "w"))
PYTHON
if semver "$WORK/now.json" "$WORK/broken.json" >"$WORK/log" 2>&1; then
  echo 'cargo-semver-checks does not notice that a function is gone' && exit 1
fi
grep -q 'mcp_scopes' "$WORK/log" || { cat "$WORK/log" && exit 1; }

RELEASED=$(git tag --list 'v*' --sort=-version:refname | sed 1q)
if [ -z "$RELEASED" ]; then
  semver "$WORK/now.json" "$WORK/now.json" >"$WORK/log" 2>&1 || { cat "$WORK/log" && exit 1; }
  echo 'nothing is released yet, so nothing can be broken; that a break would be noticed was tried'
  exit 0
fi
mkdir "$WORK/released"
git archive "$RELEASED" | tar -x -C "$WORK/released"
described "$WORK/released/mcp-auth/Cargo.toml" "$WORK/released.json"
semver "$WORK/released.json" "$WORK/now.json"
