#!/usr/bin/env bash
# Where do people log in? A Keycloak on this machine, with the realm of the workshop: started, asked, and stopped.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/cache.sh
. scripts/keycloak/distribution.sh
. scripts/keycloak/container.sh
. scripts/keycloak/realm.sh

PORT=${KEYCLOAK_PORT:-8080} VERSION='' CIMD='' ENGINE='' FOLLOW='' OLD='' STARTED='' AUDIENCE=''

usage() {
  cat <<TEXT
usage: scripts/keycloak.sh COMMAND [OPTIONS]

  start                  starts Keycloak and waits until the realm answers; the first time takes about half a minute and
                         a download of 174 MB, later ones less than ten seconds
  stop                   stops it, and nothing else; people, clients and keys are there again after the next start
  restart                both
  status                 does it run, and where? Exit status 3 when it does not
  logs [--follow]        what it has said
  token USER [SCOPES]    prints an access token: mcp-admin, mcp-user, mcp-guest, or mcp-service, the program without a person;
                         SCOPES is one word in quotes, without it all that USER can get
  rotate-keys [--forget] signs with a new key from now on; --forget also takes the older ones away, and with them every
                         token that they have signed
  reset                  forgets all that has happened and begins with the realm file again
  admin                  where the administrator logs in, and as whom

  --port N        port on this machine (KEYCLOAK_PORT) [default: 8080]; on other ports others may run beside it
  --audience URL  whom tokens are for (MCP_AUDIENCE) [default: http://localhost:9000/mcp]
  --version V     [default: $KEYCLOAK_VERSION]; 26.4.5 is the oldest that the workshop is tried with
  --cimd          clients may be documents (needs 26.6 or newer; an experiment of Keycloak's)
  --engine NAME   docker, podman or java [default: the first that works]

With docker or podman it is the image of quay.io; with java (17 or newer) the distribution from Maven Central, in the folder
$CACHE (MCP_AUTH_CACHE). Other settings of Keycloak are read from its own variables, such as
KC_TRUSTSTORE_PATHS; the secrets of the realm from MCP_SERVER_SECRET and MCP_SERVICE_SECRET.
TEXT
}

note() { printf '%s\n' "$*" >&2; }
die() { printf 'keycloak.sh: %s\n' "$*" >&2; exit 1; }
wrong() { printf 'keycloak.sh: %s; --help shows what there is\n' "$*" >&2; exit 2; }
needs() { command -v "$1" >/dev/null || die "$1 is missing; install it with your package manager (apt install $1, brew install $1)"; }

# A number of one to five digits, and a port.
is_port() { case $1 in '' | *[!0-9]* | ??????*) return 1 ;; esac; [ "$1" -ge 1 ] && [ "$1" -le 65535 ]; }

answers() { curl -sf -m 5 -o /dev/null --noproxy '*' "$ISSUER"; }
is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# wait_until_ready: while the process lives, for five minutes. In a container it builds itself first.
wait_until_ready() {
  local begun=$SECONDS told=''
  until answers; do
    running || { logs | tail -n 15 >&2 && die 'Keycloak has ended before it answered; its last lines stand above'; }
    [ $((SECONDS - begun)) -lt 300 ] || { logs | tail -n 15 >&2 && die 'Keycloak has not answered for five minutes; its last lines stand above'; }
    [ -n "$told" ] || [ $((SECONDS - begun)) -lt 40 ] || { told=yes && note 'still waiting: this takes a while where much else is running; Ctrl-C stops'; }
    sleep 0.3
  done
}

start() {
  local begun=$SECONDS
  if running; then
    same_settings ||
      die "Keycloak runs on port $PORT already, from other settings or another realm file: restart, with the same options, takes these"
    wait_until_ready
    note "Keycloak runs already on port $PORT"
  else
    is_taken "$PORT" && die "port $PORT is taken by another program; --port N takes another one"
    mkdir -p "$RUN"
    STARTED=yes # from here on, who breaks off takes away what was begun
    begin
    note 'waiting until it answers'
    wait_until_ready
    STARTED=''
    note "ready after $((SECONDS - begun)) s"
  fi
  local server=''
  case $AUDIENCE in http://localhost:9000/mcp | http://localhost:*[!0-9]*/mcp) ;;
  http://localhost:*/mcp) server="--port ${AUDIENCE//[!0-9]/} " ;; esac
  printf '%s\n' "$ISSUER"
  cat <<TEXT
  tokens for:  $AUDIENCE (--audience URL makes them for another one)
  the server:  cargo run -p step9 -- $server--issuer $ISSUER --first-scope "mcp:read mcp:tools mcp:prompts"
  people:      mcp-admin / admin123, mcp-user / user123, mcp-guest / guest123
  a token:     scripts/keycloak.sh token mcp-user$([ "$PORT" = 8080 ] || printf ' --port %s' "$PORT")
  the end:     scripts/keycloak.sh stop$([ "$PORT" = 8080 ] || printf ' --port %s' "$PORT")
TEXT
}

stop() {
  if running; then
    end
    note "Keycloak on port $PORT has stopped"
  else
    note "no Keycloak of ours runs on port $PORT"
  fi
}

status() {
  running || { printf 'Keycloak does not run on port %s\n' "$PORT" && return 3; }
  printf 'Keycloak %s runs on port %s, with %s: %s\n' "$(sed -n 's/^version //p' "$RUN/settings")" "$PORT" "$ENGINE" "$ISSUER"
  answers || { printf 'it does not answer; scripts/keycloak.sh logs shows why\n' && return 1; }
}

reset() {
  local again=''
  running && again=yes && end
  forget
  note 'what has happened is forgotten'
  [ -z "$again" ] || start
}

admin() {
  printf '%s/admin/  %s / %s\n' "${ISSUER%/realms/*}" "$KC_BOOTSTRAP_ADMIN_USERNAME" "$KC_BOOTSTRAP_ADMIN_PASSWORD"
}

# One who breaks off a start has not started it.
broken_off() {
  local status=$?
  trap - EXIT INT TERM
  if [ -n "$STARTED" ] && running; then end; fi
  rm -rf "$CACHE/keycloak/new-$$" "$CACHE/keycloak/"*".$$"
  exit "$status"
}

WORDS=()
while [ $# -gt 0 ]; do
  case $1 in
    --port | --audience | --version | --engine) [ $# -ge 2 ] || wrong "$1 needs a value" ;;
  esac
  case $1 in
    --port) PORT=$2 && shift 2 ;;
    --audience) AUDIENCE=$2 && shift 2 ;;
    --version) VERSION=$2 && shift 2 ;;
    --engine) ENGINE=$2 && shift 2 ;;
    --cimd) CIMD=yes && shift ;;
    --follow | -f) FOLLOW=yes && shift ;;
    --forget) OLD=forget && shift ;;
    --help | -h) usage && exit 0 ;;
    -*) wrong "$1 is no option" ;;
    *) WORDS+=("$1") && shift ;;
  esac
done
COMMAND=${WORDS[0]:-}
[ -n "$COMMAND" ] || { usage >&2 && exit 2; }
RUN=$CACHE/keycloak/run-$PORT
case $COMMAND in
  restart | reset) VERSION=${VERSION:-$(as_before version)} CIMD=${CIMD:-$(as_before cimd)} AUDIENCE=${AUDIENCE:-$(as_before audience)} ;;
esac
VERSION=${VERSION:-$KEYCLOAK_VERSION} AUDIENCE=${AUDIENCE:-${MCP_AUDIENCE:-http://localhost:9000/mcp}}
is_port "$PORT" || wrong "--port $PORT is no port: a number from 1 to 65535"
case $VERSION in [0-9]*.[0-9]*) ;; *) wrong "--version $VERSION is no version, such as $KEYCLOAK_VERSION" ;; esac
case $VERSION in *[!0-9.]*) wrong "--version $VERSION is no version, such as $KEYCLOAK_VERSION" ;; esac
case $AUDIENCE in http://*/* | https://*/*) ;; *) wrong "--audience $AUDIENCE is not the URL of an endpoint, such as http://localhost:9000/mcp" ;; esac
case $AUDIENCE in *[\"\\\$\ ]*) wrong "--audience $AUDIENCE is no URL" ;; esac
case $ENGINE in '' | docker | podman | java) ;; *) wrong "--engine $ENGINE is neither docker, podman nor java" ;; esac
[ -z "$CIMD" ] || ! older_than 26 6 || wrong "--cimd needs 26.6 or newer, not $VERSION"
case $COMMAND:${#WORDS[@]} in
  start:1 | stop:1 | restart:1 | status:1 | logs:1 | rotate-keys:1 | reset:1 | admin:1 | token:2 | token:3) ;;
  token:*) wrong 'token needs a USER, and at most one word of SCOPES in quotes' ;;
  start:* | stop:* | restart:* | status:* | logs:* | rotate-keys:* | reset:* | admin:*) wrong "$COMMAND takes no ${WORDS[1]}" ;;
  *) wrong "there is no command $COMMAND" ;;
esac

needs curl
umask 077
ISSUER=http://localhost:$PORT/realms/mcp-realm
choose_engine
realm_settings
trap broken_off EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
case $COMMAND in
  restart) stop && start ;;
  logs) logs ;;
  token) token "${WORDS[1]}" "${WORDS[2]-}" ;;
  rotate-keys) rotate_keys ;;
  *) "$COMMAND" ;;
esac
