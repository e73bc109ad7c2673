#!/usr/bin/env bash
# Has a hot function become dearer? Counts the instructions of each with Callgrind, which are the same
# whatever else the machine does, and compares them with bench/instructions.txt. Needs valgrind (Debian: valgrind).
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: bench/instructions.sh [--bless]

Fails when a function takes over 3 % more or less than what is written in bench/instructions.txt; over 15 % with another
compiler than the one that is named there, or on another kind of processor. What the cryptographic library does is left
out: it chooses its code by what the processor can do.

  --bless   writes bench/instructions.txt anew: when a change is meant
TEXT
}

die() { printf 'instructions.sh: %s\n' "$*" >&2; exit 2; }

BLESS=''
case ${1:-} in
  '') ;;
  --bless) BLESS=yes ;;
  --help | -h) usage && exit 0 ;;
  *) usage >&2 && exit 2 ;;
esac
[ $# -le 1 ] || { usage >&2 && exit 2; }

for tool in cargo jq valgrind; do
  command -v "$tool" >/dev/null || die "$tool is missing; on Debian: apt install valgrind jq"
done

cd "$(dirname "${BASH_SOURCE[0]}")"
COUNT=$(cargo build -q --release --bin count --message-format=json |
  jq -r 'select(.reason == "compiler-artifact" and .target.name == "count").executable // empty')
[ -x "$COUNT" ] || die 'cargo build made no program count'

WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
"$COUNT" prepare "$WORK/material.json"
read -r TIMES CASES < <("$COUNT" list)

# instructions CASE: how many one call takes, without those of the cryptographic library, which chooses its code by what the
# processor can do: in the program, names without `::` are C and assembly, and all of those are the library's.
instructions() {
  valgrind --tool=callgrind --callgrind-out-file="$WORK/out" --toggle-collect='*count::measured*' \
    "$COUNT" "$1" "$WORK/material.json" 2>"$WORK/log" || { cat "$WORK/log" >&2; return 1; }
  callgrind_annotate --auto=no --threshold=100 "$WORK/out" >"$WORK/functions"
  awk -v times="$TIMES" -v program="$COUNT" '
    /^ *[0-9,]+ \(.*\)  / && !/PROGRAM TOTALS/ {
      is_library = index($0, program) && !/::/ && !/<.*>/
      gsub(",", "", $1)
      if (!is_library) own += $1
    }
    END { printf "%d\n", own / times; exit own == 0 }' "$WORK/functions"
}

HERE="$(rustc --version), $(uname -m)"
if [ -n "$BLESS" ]; then
  {
    printf '# Instructions of one call without cryptography, counted by bench/instructions.sh; --bless writes this file anew.\n'
    printf '# %s\n' "$HERE"
  } >"$WORK/new"
  for name in $CASES; do printf '%-22s %8d\n' "$name" "$(instructions "$name")" >>"$WORK/new"; done
  mv "$WORK/new" instructions.txt
  cat instructions.txt
  exit 0
fi

WRITTEN=$(sed -n '2s/^# //p' instructions.txt) WIDE=''
if [ "$WRITTEN" != "$HERE" ]; then
  WIDE=15
  printf 'counted with %s, written with %s: compared within %s %%\n' "$HERE" "$WRITTEN" "$WIDE"
fi
FAILURES=0
for name in $CASES; do
  before=$(awk -v name="$name" '$1 == name { print $2 }' instructions.txt)
  [ -n "$before" ] || die "$name is not in instructions.txt: run bench/instructions.sh --bless"
  now=$(instructions "$name") allowed=${WIDE:-3}
  change=$(awk -v now="$now" -v before="$before" 'BEGIN { printf "%+.1f", (now - before) * 100 / before }')
  verdict=ok
  if awk -v change="$change" -v allowed="$allowed" 'BEGIN { exit !(change > allowed || change < -allowed) }'; then
    verdict=FAILED FAILURES=$((FAILURES + 1))
  fi
  printf '%-22s %8d, was %8d: %s %%, %s\n' "$name" "$now" "$before" "$change" "$verdict"
done
if [ "$FAILURES" -gt 0 ]; then
  printf '%s functions take more or fewer instructions than is written in bench/instructions.txt; if that is meant: bench/instructions.sh --bless\n' "$FAILURES"
  exit 1
fi
