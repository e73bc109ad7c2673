# shellcheck shell=bash
# With what does Keycloak run: a container engine, or Java? And how, with an engine? Its port is published to this machine alone.

NAME=mcp-keycloak

# choose_engine: what runs already decides; else what was asked for; else the first that works.
choose_engine() {
  local begun_with
  begun_with=$(sed -n 's/^engine //p' "$RUN/settings" 2>/dev/null || true)
  if [ -n "$begun_with" ] && { "$(kind "$begun_with")_running" "$begun_with" || [ "$COMMAND" = logs ]; }; then
    [ -z "$ENGINE" ] || [ "$ENGINE" = "$begun_with" ] || die "Keycloak runs on port $PORT with $begun_with: scripts/keycloak.sh stop ends it"
    ENGINE=$begun_with
  elif [ -n "$ENGINE" ]; then
    [ "$ENGINE" = java ] || "$ENGINE" info >/dev/null 2>&1 || die "$ENGINE does not work here: \`$ENGINE info\` says why"
  elif [ -n "$CIMD" ]; then
    ENGINE=java # the documents are on this machine, where a container does not find them
  else
    case $COMMAND in
      start | restart | reset) for ENGINE in docker podman java; do [ "$ENGINE" = java ] || ! "$ENGINE" info >/dev/null 2>&1 || break; done ;;
      *) ENGINE=java ;;
    esac
  fi
}

kind() { if [ "$1" = java ]; then echo java; else echo container; fi; }
begin() { "$(kind "$ENGINE")_begin"; }
running() { "$(kind "$ENGINE")_running" "$ENGINE"; }
end() { "$(kind "$ENGINE")_end"; }
forget() { "$(kind "$ENGINE")_forget"; }
logs() {
  [ -f "$RUN/settings" ] || die "on port $PORT no Keycloak of ours has run"
  "$(kind "$ENGINE")_logs"
}

container_begin() {
  if same_settings && "$ENGINE" start "$NAME-$PORT" >/dev/null 2>&1; then
    note "starting Keycloak on port $PORT again, with $ENGINE"
    return
  fi
  container_forget
  mkdir -p "$RUN/import"
  realm_json >"$RUN/import/mcp-realm-realm.json"
  chmod 755 "$RUN" "$RUN/import" # the user inside is another one
  chmod 644 "$RUN/import/mcp-realm-realm.json"
  settings >"$RUN/settings"
  note "starting Keycloak $VERSION on port $PORT, with $ENGINE; the first time its image is fetched"
  # Whoever comes through the published port has the address of the engine, so who registers cannot be told by it; Keycloak
  # wants one of the two checks. With the other one a program's `client_uri` has to be here, or where most come from.
  export MCP_REGISTRATION_HOST_CHECK=false MCP_REGISTRATION_URI_CHECK=true MCP_CLIENT_URI_HOST=${MCP_CLIENT_URI_HOST:-github.com}
  "$ENGINE" run -d --name "$NAME-$PORT" -p "127.0.0.1:$PORT:$PORT" \
    -v "$RUN/import:/opt/keycloak/data/import:ro,z" -e KC_BOOTSTRAP_ADMIN_USERNAME -e KC_BOOTSTRAP_ADMIN_PASSWORD -e MCP_AUDIENCE \
    -e MCP_SERVER_SECRET -e MCP_SERVICE_SECRET -e MCP_ADMIN_PASSWORD -e MCP_USER_PASSWORD -e MCP_GUEST_PASSWORD \
    -e MCP_REGISTRATION_HOST_CHECK -e MCP_REGISTRATION_URI_CHECK -e MCP_CLIENT_URI_HOST -e MCP_MAX_CLIENTS \
    "quay.io/keycloak/keycloak:$VERSION" start-dev --import-realm --cache=local --http-port="$PORT" --hostname="http://localhost:$PORT" \
    "$RFC7591_ALONE" ${CIMD:+--features=cimd} >/dev/null || die "$ENGINE could not start Keycloak; its own words stand above"
}

container_running() { [ -n "$("$1" ps -q --filter "name=^$NAME-$PORT\$" 2>/dev/null)" ]; }
container_end() { "$ENGINE" stop "$NAME-$PORT" >/dev/null; }
container_forget() { "$ENGINE" rm -f "$NAME-$PORT" >/dev/null 2>&1 || true; }
container_logs() { "$ENGINE" logs ${FOLLOW:+--follow} "$NAME-$PORT"; }
