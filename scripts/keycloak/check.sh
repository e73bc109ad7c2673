#!/usr/bin/env bash
# Does keycloak.sh understand what it is told? Asked without Keycloak: wrong words, and a container engine that only writes
# down what it is asked to do.
set -euo pipefail
cd "$(dirname "$0")/../.."
WORK=$(mktemp -d "${TMPDIR:-/tmp}/mcp-auth-keycloak.XXXXXX")
trap 'status=$?; rm -rf "$WORK"; exit "$status"' EXIT
export MCP_AUTH_CACHE=$WORK/cache
CHECKS=0

# expect STATUS TEXT ARGUMENTS…: ends so, and says so.
expect() {
  local expected=$1 text=$2 status=0
  shift 2
  CHECKS=$((CHECKS + 1))
  scripts/keycloak.sh "$@" >"$WORK/said" 2>&1 || status=$?
  [ "$status" -eq "$expected" ] && grep -qF -- "$text" "$WORK/said" && return
  printf 'FAILED: keycloak.sh %s\n  expected exit status %s and: %s\n  got %s and: %s\n' "$*" "$expected" "$text" "$status" "$(cat "$WORK/said")"
  exit 1
}

expect 2 'usage: scripts/keycloak.sh COMMAND'
expect 0 'rotate-keys [--forget]' --help
expect 2 'there is no command begin' begin
expect 2 'start takes no now' start now
expect 2 '--prot is no option' start --prot 8081
expect 2 '--port needs a value' start --port
for port in 0 65536 80a 080000 -1 ''; do expect 2 "--port $port is no port" start --port "$port"; done
expect 2 '--version latest is no version' start --version latest
expect 2 '--version 26.7/../x is no version' start --version 26.7/../x
expect 2 '--cimd needs 26.6 or newer, not 26.4.5' start --cimd --version 26.4.5
expect 2 'is not the URL of an endpoint' start --audience localhost
expect 2 '--engine lxc is neither' start --engine lxc
expect 2 'token needs a USER' token
expect 2 'token needs a USER' token mcp-user mcp:read mcp:tools
expect 1 'the password of alice is not known here' token alice
expect 1 'on port 1 no Keycloak of ours has run' logs --port 1
expect 3 'does not run on port 1' status --port 1
expect 0 'no Keycloak of ours runs on port 1' stop --port 1
expect 1 'scripts/keycloak.sh start starts Keycloak' token mcp-user --port 1
expect 0 'http://localhost:8080/admin/  admin / admin' admin

# An engine that works, and a page that is there at once; what they were asked for is in the file.
mkdir -p "$WORK/bin"
cat >"$WORK/bin/docker" <<TEXT
#!/bin/sh
printf '%s\n' "\$*" >>"$WORK/asked"
case \$1 in
  ps) [ ! -f "$WORK/up" ] || echo 1 ;;
  run) : >"$WORK/up" ;;
  start) [ -f "$WORK/down" ] && mv "$WORK/down" "$WORK/up" ;;
  stop) mv "$WORK/up" "$WORK/down" ;;
  rm) rm -f "$WORK/up" "$WORK/down" ;;
esac
TEXT
printf '#!/bin/sh\n[ -f "%s/up" ]\n' "$WORK" >"$WORK/bin/curl"
chmod +x "$WORK/bin/docker" "$WORK/bin/curl"
export PATH=$WORK/bin:$PATH

# asked TEXT: of the engine, since the last time.
asked() {
  CHECKS=$((CHECKS + 1))
  grep -qF -- "$1" "$WORK/asked" || { printf 'FAILED: docker was not asked for %s, but for\n%s\n' "$1" "$(cat "$WORK/asked")" && exit 1; }
}

expect 0 'http://localhost:1/realms/mcp-realm' start --port 1 --version 26.4.5
asked 'run -d --name mcp-keycloak-1 -p 127.0.0.1:1:1 -v'
asked 'quay.io/keycloak/keycloak:26.4.5 start-dev --import-realm'
asked '--hostname=http://localhost:1'
asked '-e MCP_MAX_CLIENTS'
! grep -q registration-web-origins "$MCP_AUTH_CACHE/keycloak/run-1/import/mcp-realm-realm.json" || { echo 'FAILED: 26.4.5 would not start with this realm file' && exit 1; }
expect 0 'Keycloak runs already on port 1' start --port 1 --version 26.4.5
expect 1 'from other settings or another realm file' start --port 1 --audience http://localhost:9001/mcp --version 26.4.5
expect 0 'Keycloak 26.4.5 runs on port 1, with docker' status --port 1
: >"$WORK/asked"
expect 0 'Keycloak on port 1 has stopped' restart --port 1
asked 'stop mcp-keycloak-1'
asked 'start mcp-keycloak-1'
: >"$WORK/asked"
expect 0 'what has happened is forgotten' reset --port 1
asked 'rm -f mcp-keycloak-1'
asked 'run -d --name mcp-keycloak-1'
expect 0 'Keycloak on port 1 has stopped' stop --port 1
expect 3 'does not run on port 1' status --port 1
printf '%s checks of keycloak.sh, all ok\n' "$CHECKS"
