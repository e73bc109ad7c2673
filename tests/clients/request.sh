# shellcheck shell=bash
# A realm as Keycloak makes it, and what keycloak/change-request.md asks for in it. To be read after scripts/lib.sh.
# KEYCLOAK and KCADM say where Keycloak is, REALM and MCP_URL what the page tells its reader to set.

# stock_realm: makes it, with nothing in it.
stock_realm() {
  export KC_OPTS="-Duser.home=$WORK" # where kcadm keeps that it is logged in
  "$KCADM" config credentials --server "$KEYCLOAK" --realm master --user "${KC_BOOTSTRAP_ADMIN_USERNAME:-admin}" \
    --password "${KC_BOOTSTRAP_ADMIN_PASSWORD:-admin}" 2>/dev/null
  "$KCADM" create realms -s realm="$REALM" -s enabled=true >/dev/null 2>&1
}

# person NAME PASSWORD: somebody who can log in there.
person() {
  "$KCADM" create users -r "$REALM" -s username="$1" -s enabled=true -s email="$1@example.com" -s emailVerified=true -s firstName=A -s lastName=Person
  "$KCADM" set-password -r "$REALM" --username "$1" --new-password "$2"
}

# block HEADING N: the Nth block of shell under this heading of the page.
block() {
  awk -v heading="## $1" -v wanted="$2" '/^## / { inside = $0 == heading } inside && /^```sh$/ { n++; next }
    inside && n == wanted && !/^```/ && !done { print } inside && n == wanted && /^```$/ { done = 1 }' "$ROOT/keycloak/change-request.md"
}

# as_written HEADING N: runs it, with the values that the page tells the reader to set.
as_written() {
  block "$@" >"$WORK/block"
  [ -s "$WORK/block" ] || die "the page has no block $2 under $1"
  CHECKS=$((CHECKS + 1))
  REALM=$REALM MCP_URL=$MCP_URL KCADM=$KCADM bash -euo pipefail "$WORK/block" >"$WORK/said" 2>&1 || die "block $2 of \"$1\" failed: $(cat "$WORK/said")"
  say "ok: \"$1\", block $2"
}
