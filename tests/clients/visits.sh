# shellcheck shell=bash
# How does somebody log in with the clients that are programs and no libraries? To be read after scripts/lib.sh and servers.sh.
# HERE, NODE, NPM_TOOLS, PYTHON and BROWSER say where things are, RESOURCE whom to visit.

# rust_client: builds it, and prints where it is.
rust_client() {
  local found
  found=$(cd "$HERE/rmcp" && cargo build -q --locked --message-format=json |
    jq -r 'select(.reason == "compiler-artifact" and .target.name == "login").executable // empty') || die 'the Rust client cannot be built'
  [ -x "$found" ] || die 'the Rust client has no program'
  say "$found"
}

# inspect HOW ARGUMENTS…: the command line of the Inspector lists, steps up where it has not asked for all at once, calls,
# and goes on after the access token has ended. As a client that registers itself it asks for all that there is at once.
# MCP_ERA=legacy is the other era.
inspect() {
  local how=$1 expires times=2 home log
  shift
  [ "$how" != DCR ] || times=1
  home=$(mktemp -d "$WORK/inspector.XXXXXX") log=${LOGIN_LOG:-}
  log=${log:-$home/log}
  INSPECT=(env HOME="$home" MCP_STORAGE_DIR="$home/storage" MCP_INSPECTOR_SECRET_STORE=file MCP_AUTO_OPEN_ENABLED=true LOGIN_LOG="$log" timeout 60
    "$NODE" "$NPM_TOOLS/node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js" --cli "$RESOURCE" --transport http
    --protocol-era "${MCP_ERA:-modern}" --format json --callback-url "http://127.0.0.1:$(free_port)/oauth/callback" "$@")
  if [ "${MCP_EXPECT:-}" = denied ]; then
    ! "${INSPECT[@]}" --method tools/list </dev/null 2>"$home/err" || return 1
    cat "$home/err" >&2
    grep -q '"message":"the person has said no"' "$home/err" && say "ok: Inspector, $how, denied"
    return
  fi
  "${INSPECT[@]}" --method tools/list </dev/null | jq -e '[.result.tools[].name] | index("whoami")' >/dev/null || return 1
  "${INSPECT[@]}" --method tools/call --tool-name whoami <<<y >"$home/who" || return 1
  jq -e '.result.structuredContent | ([.subject, .name] | index("mcp-admin")) and (.scopes | index("mcp:tools"))' "$home/who" >/dev/null || return 1
  asked "$times" "$log" || return 1
  if [ "${MCP_EXPECT:-}" = refresh ]; then
    expires=$(jq .result.structuredContent.expires "$home/who")
    until_true 60 is_past $((expires + 3)) || return 1
    "${INSPECT[@]}" --method tools/call --tool-name whoami </dev/null | jq -e ".result.structuredContent.expires > $expires" >/dev/null || return 1
    asked "$times" "$log" || return 1
  fi
  say "ok: Inspector, ${MCP_ERA:-modern}, $how${MCP_EXPECT:+, $MCP_EXPECT}"
}

is_past() { [ "$(date +%s)" -gt "$1" ]; }

# asked TIMES LOG: so often was somebody asked, and each time with a page to allow or deny, where MCP_CONSENT=given does not say
# that others with the same client have been allowed before: the issuer then asks nobody again.
asked() {
  local opened consents
  opened=$(grep -c '^opened: ' "$2") consents=$(grep -c '^consent: ' "$2") || true
  [ "${MCP_CONSENT:-}" != given ] || consents=$opened
  [ "$opened:$consents" = "$1:$1" ] || { cat "$2" >&2 && return 1; }
}

# bridge HOW ARGUMENTS…: mcp-remote, a bridge for clients that speak stdio and cannot log in.
bridge() {
  local how=$1 home
  shift
  home=$(mktemp -d "$WORK/remote.XXXXXX")
  ln -s "$BROWSER" "$home/xdg-open"
  HOME=$home PATH=$home:$PATH LOGIN_LOG=${LOGIN_LOG:-$home/log} "$PYTHON" "$HERE/stdio.py" "$NODE" \
    "$NPM_TOOLS/node_modules/mcp-remote/dist/proxy.js" "$RESOURCE" "$(free_port)" --transport http-only "$@" || return 1
  say "ok: mcp-remote, $how${MCP_EXPECT:+, $MCP_EXPECT}"
}

# with_command: our own command, with the environment of the other clients. It asks nobody about the scope that is missing, but the browser does.
with_command() {
  local home how=(--login-dir) expires times=2
  home=$(mktemp -d "$WORK/command.XXXXXX")
  how+=("$home/logins")
  [ -z "${MCP_CLIENT_ID:-}" ] || how+=(--client-id "$MCP_CLIENT_ID")
  [ -z "${MCP_CLIENT_METADATA_URL:-}" ] || how+=(--client-metadata-url "$MCP_CLIENT_METADATA_URL")
  [ -z "${AUDIENCE:-}" ] || how+=(--audience "$AUDIENCE") # where the realm makes tokens for another URL than that of the port we got
  [ "${MCP_EXPECT:-}" != program ] || { how+=(--client-credentials) && times=0; }
  [ -z "${MCP_ASKED:-}" ] || times=1
  export MCP_LOGIN_DIR=$home/logins
  if [ -n "${MCP_CLIENT_SECRET:-}" ]; then
    export MCP_LOGIN_CLIENT_SECRET=$MCP_CLIENT_SECRET
    how+=(--issuer "$MCP_ISSUER") # who has a secret says whose it is
  fi
  unset MCP_ISSUER # the rest it has to find by itself
  "$OURS" login "$RESOURCE" "${how[@]}" >"$home/login" || return 1
  grep -q "^client  *${MCP_CLIENT_METADATA_URL:-${MCP_CLIENT_ID:-.*registered by this command}}" "$home/login" || { cat "$home/login" >&2 && return 1; }
  "$OURS" call "$RESOURCE" --era "${MCP_ERA:-auto}" --yes --json tools call whoami >"$home/who" || return 1
  jq -e --arg client "${MCP_CLIENT_ID:-}" '.. | objects | select(has("subject")) | ([.subject, .name] | index("mcp-admin")) or .client == $client' \
    "$home/who" >/dev/null || { cat "$home/who" && return 1; }
  [ "$(grep -c '^opened: ' "$LOGIN_LOG")" = "$times" ] || return 1
  if [ "${MCP_EXPECT:-}" = refresh ]; then
    expires=$(jq '[.. | objects | .expires? // empty] | first' "$home/who")
    until_true 60 is_past $((expires + 3)) || return 1
    "$OURS" call "$RESOURCE" --json tools call whoami | jq -e "[.. | objects | .expires? // empty] | first > $expires" >/dev/null || return 1
    [ "$(grep -c '^opened: ' "$LOGIN_LOG")" = "$times" ] || return 1
  fi
  say "ok: mcp-auth, ${MCP_ERA:-auto}${MCP_EXPECT:+, $MCP_EXPECT}"
}
