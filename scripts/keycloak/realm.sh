# shellcheck shell=bash
# What is in the realm, and what can be asked of it? People, secrets, tokens, keys.

# For one's own machine: everybody knows these. The realm file has no secret of its own, only their names.
realm_settings() {
  export MCP_AUDIENCE=$AUDIENCE
  export MCP_SERVER_SECRET=${MCP_SERVER_SECRET:-server-secret-of-the-workshop} MCP_SERVICE_SECRET=${MCP_SERVICE_SECRET:-service-secret-of-the-workshop}
  export MCP_ADMIN_PASSWORD=${MCP_ADMIN_PASSWORD:-admin123} MCP_USER_PASSWORD=${MCP_USER_PASSWORD:-user123} MCP_GUEST_PASSWORD=${MCP_GUEST_PASSWORD:-guest123}
  export MCP_MAX_CLIENTS=${MCP_MAX_CLIENTS:-500}
  export KC_BOOTSTRAP_ADMIN_USERNAME=${KC_BOOTSTRAP_ADMIN_USERNAME:-admin} KC_BOOTSTRAP_ADMIN_PASSWORD=${KC_BOOTSTRAP_ADMIN_PASSWORD:-admin}
}

# realm_json: the realm file for this version. Before 26.5 there is no policy about web pages, and its name stops the start.
realm_json() {
  if older_than 26 5; then grep -v '"registration-web-origins"' "keycloak/${CIMD:+cimd/}mcp-realm-realm.json"; else cat "keycloak/${CIMD:+cimd/}mcp-realm-realm.json"; fi
}

# realm_sum: another one for all that would make another database.
realm_sum() {
  {
    realm_json
    printf '%s\n' "$VERSION" "$CIMD" "$MCP_AUDIENCE" "$MCP_SERVER_SECRET" "$MCP_SERVICE_SECRET" "$MCP_ADMIN_PASSWORD" "$MCP_USER_PASSWORD" \
      "$MCP_GUEST_PASSWORD" "$MCP_MAX_CLIENTS" "$KC_BOOTSTRAP_ADMIN_USERNAME" "$KC_BOOTSTRAP_ADMIN_PASSWORD"
  } | cksum | cut -d ' ' -f 1
}

settings() { printf 'version %s\nengine %s\ncimd %s\naudience %s\nrealm %s\n' "$VERSION" "$ENGINE" "$CIMD" "$AUDIENCE" "$(realm_sum)"; }
same_settings() { [ "$(cat "$RUN/settings" 2>/dev/null)" = "$(settings)" ]; }

# as_before: who restarts wants what he had, where he says nothing else.
as_before() { sed -n "s/^$1 //p" "$RUN/settings" 2>/dev/null || true; }

# ask REALM PARAMETER…: a token, or the reason why there is none. What is secret is given as name@FILE.
ask() {
  local realm=$1 each arguments=() answer token
  shift
  for each in "$@"; do arguments+=(--data-urlencode "$each"); done
  answer=$(curl -sS -m 15 --noproxy '*' "${ISSUER%/*}/$realm/protocol/openid-connect/token" "${arguments[@]}") ||
    die "nothing answers at $ISSUER; scripts/keycloak.sh start starts Keycloak"
  token=$(sed -n 's/.*"access_token":"\([^"]*\)".*/\1/p' <<<"$answer")
  [ -n "$token" ] || die "Keycloak gives no token: $(sed -n 's/.*"error_description":"\([^"]*\)".*/\1/p' <<<"$answer" | grep . || printf '%s' "$answer")"
  printf '%s\n' "$token"
}

token() {
  local scopes=${2:-mcp:read mcp:tools mcp:prompts} password
  case $1 in
    mcp-service)
      ask mcp-realm grant_type=client_credentials client_id=mcp-service client_secret@<(printf %s "$MCP_SERVICE_SECRET") "scope=$scopes"
      return
      ;;
    mcp-admin) password=$MCP_ADMIN_PASSWORD ;;
    mcp-user) password=$MCP_USER_PASSWORD ;;
    mcp-guest) password=$MCP_GUEST_PASSWORD ;;
    *)
      password=${MCP_PASSWORD:-}
      [ -n "$password" ] || die "the password of $1 is not known here: give it in MCP_PASSWORD, or ask for mcp-admin, mcp-user, mcp-guest or mcp-service"
      ;;
  esac
  ask mcp-realm grant_type=password client_id=mcp-test-client "username=$1" password@<(printf %s "$password") "scope=$scopes"
}

# administer METHOD PATH [BODY]: the Admin API.
administer() {
  curl -sSf -m 15 --noproxy '*' -X "$1" "${ISSUER%/realms/*}/admin/realms/mcp-realm$2" -H @<(printf 'Authorization: Bearer %s\n' "$ADMINISTRATOR") \
    -H 'Content-Type: application/json' ${3:+--data-raw "$3"} || die "Keycloak did not do what it was asked to: $1 $2"
}

# rotate_keys: a new key, with which is signed from now on. The older ones are told to everybody still, until they are forgotten.
rotate_keys() {
  local keys realm priority each
  needs jq
  ADMINISTRATOR=$(ask master grant_type=password client_id=admin-cli "username=$KC_BOOTSTRAP_ADMIN_USERNAME" password@<(printf %s "$KC_BOOTSTRAP_ADMIN_PASSWORD"))
  keys=$(administer GET '/components?type=org.keycloak.keys.KeyProvider' | jq -c '[.[] | select(.providerId == "rsa-generated")]')
  realm=$(administer GET '' | jq -r .id)
  priority=$(jq '[.[].config.priority[0] // "0" | tonumber] | max + 100' <<<"$keys")
  administer POST /components "$(jq -nc --arg realm "$realm" --arg priority "$priority" '{name: "signing-\($priority)", providerId: "rsa-generated",
    providerType: "org.keycloak.keys.KeyProvider", parentId: $realm, config: {priority: [$priority], enabled: ["true"], active: ["true"], algorithm: ["RS256"]}}')"
  printf 'signs with %s now\n' "$(administer GET /keys | jq -r .active.RS256)"
  [ -n "$OLD" ] || return 0
  for each in $(jq -r '.[].id' <<<"$keys"); do administer DELETE "/components/$each"; done
  printf 'forgotten: %s older; what they have signed is good for nothing\n' "$(jq length <<<"$keys")"
}
