#!/usr/bin/env bash
# What does a lesson change in what was there before? The difference between the source of two neighbouring steps.
set -euo pipefail
cd "$(dirname "$0")/.."

SPINE='main.rs lib.rs mcp.rs auth.rs issuer.rs'

usage() {
  cat <<'TEXT'
usage: scripts/diff_steps.sh [A B [--all]]

  scripts/diff_steps.sh 5 6         the lesson of step 6: which files leave and arrive, and what changes in the spine
  scripts/diff_steps.sh 5 6 --all   the same, with every line of the files that leave and arrive
  scripts/diff_steps.sh             one line for each pair of neighbours

The spine is what every step has: main.rs lib.rs mcp.rs auth.rs issuer.rs.
TEXT
}

# The comparison of two folders, by git: it needs no repository, and says with exit status 1 that they differ.
compare() { git --no-pager diff --no-ext-diff --no-index --no-renames "$@" || [ $? -eq 1 ]; }

files() { (cd "steps/step$1/src" && printf '%s\n' *.rs); }

# summary A B: leaves server.rs · arrives jsonrpc.rs origin.rs · spine +56 -5 (lib.rs +45 -3, main.rs +1 -1)
summary() {
  local leaves arrives file added removed parts='' plus=0 minus=0
  leaves=$(comm -23 <(files "$1" | sort) <(files "$2" | sort) | tr '\n' ' ')
  arrives=$(comm -13 <(files "$1" | sort) <(files "$2" | sort) | tr '\n' ' ')
  for file in $SPINE; do
    if [ -f "steps/step$1/src/$file" ] && [ -f "steps/step$2/src/$file" ]; then
      read -r added removed _ <<<"$(compare --numstat "steps/step$1/src/$file" "steps/step$2/src/$file")" || true
      [ -n "$added" ] || continue
      parts="$parts, $file +$added -$removed"
      plus=$((plus + added)) minus=$((minus + removed))
    fi
  done
  printf '%s → %s  leaves %s· arrives %s· spine +%s -%s%s\n' "$1" "$2" "${leaves:-nothing }" "${arrives:-nothing }" \
    "$plus" "$minus" "${parts:+ (${parts#, })}"
}

# spine A B: what changes in the files that both have. What arrives is read where it stands, what leaves is known.
spine() {
  local file
  for file in $SPINE; do
    if [ -f "steps/step$1/src/$file" ] && [ -f "steps/step$2/src/$file" ]; then
      compare "steps/step$1/src/$file" "steps/step$2/src/$file"
    fi
  done
}

is_step() {
  case $1 in '' | *[!0-9]*) false ;; *) [ -d "steps/step$1/src" ] ;; esac
}

all=''
case ${1:-} in --help | -h) usage && exit 0 ;; esac
if [ "${3:-}" = --all ]; then
  all=yes
  set -- "$1" "$2"
fi
case $# in
  0)
    n=1
    while is_step $((n + 1)); do
      summary "$n" $((n + 1))
      n=$((n + 1))
    done
    [ "$n" -gt 1 ] || { echo 'diff_steps.sh: there are no two neighbouring steps here' >&2 && exit 1; }
    ;;
  2)
    for n in "$@"; do
      is_step "$n" || { printf 'diff_steps.sh: there is no step %s in steps/\n' "$n" >&2 && exit 2; }
    done
    summary "$@"
    printf '\n'
    compare --stat "steps/step$1/src" "steps/step$2/src"
    printf '\n'
    if [ -n "$all" ]; then compare "steps/step$1/src" "steps/step$2/src"; else spine "$@"; fi
    ;;
  *) usage >&2 && exit 2 ;;
esac
