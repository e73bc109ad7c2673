# shellcheck shell=bash
# Which servers does a client log in to? One behind the layer, and the authorization server that it trusts, each of which must
# know the other's name. The first takes a token for 2 s longer than it says: a client that counts from when it got the token is never late. To be read after scripts/lib.sh.

for name in $(compgen -e AUTHORIZATION_) $(compgen -e LOGIN_); do unset "$name"; done

# both [ARGUMENTS…]: starts the two; the arguments are the authorization server's. Sets RESOURCE and ISSUER. The first of
# them takes a port, says its name, and is told the other one's through a pipe.
both() {
  local folder
  GUARDED=${GUARDED:-$(build workshop-tests guarded)}
  SERVER=${SERVER:-$(build mcp-auth-server authorization)}
  folder=$(mktemp -d "$WORK/both.XXXXXX")
  mkfifo "$folder/issuer"
  start guarded "$GUARDED" --port 0 --leeway 2 --issuer-from "$folder/issuer"
  RESOURCE=$STARTED_URL
  AUTHORIZATION_PORT=0 start authorization "$SERVER" --data "$folder/data" --resource "$RESOURCE" "$@"
  ISSUER=$STARTED_URL
  printf '%s\n' "$ISSUER" >"$folder/issuer"
  until_true 20 curl -fs -o /dev/null "${RESOURCE%/mcp}/health" || die "the guarded server does not answer: $(tail -n 3 "$WORK/guarded.log")"
}

# free_port: one that nobody listens on, for a program that must be told one; the system gives the same one again only after many others.
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# register NAME REDIRECT METHOD: registers a client at $ISSUER and prints what the server answers.
register() {
  jq -n --arg name "$1" --arg redirect "$2" --arg method "$3" \
    '{client_name: $name, redirect_uris: [$redirect], token_endpoint_auth_method: $method, application_type: "native",
      grant_types: ["authorization_code", "refresh_token"]}' |
    curl -fs "$ISSUER/register" -H 'content-type: application/json' -d @- || die "the registration of $1 failed"
}
