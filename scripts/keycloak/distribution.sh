# shellcheck shell=bash
# How does Keycloak run where there is Java alone? From its distribution: unpacked and built once for each version, with the
# realm imported once for each realm file, so that a start only has to start.
# shellcheck disable=SC2153 # VERSION is keycloak.sh's

# shellcheck disable=SC2034 # keycloak.sh reads it
KEYCLOAK_VERSION=26.7.5
CENTRAL=https://repo1.maven.org/maven2/org/keycloak/keycloak-quarkus-dist
# Programs register in the words of RFC 7591. In Keycloak's own they could choose their id, write claims of their own into tokens
# (any `sub`), and let these live for days.
RFC7591_ALONE=--spi-client-registration--default--enabled=false
SHA256_26_7_5=30ef87fb7101c43d29688d1ae80c0588ff4a151b3330e9f664bf9692d398658a
SHA256_26_4_5=72f73642a2c36de797d51b4b2b342d4a49f6e5832af10aa470cd123627bd80b3

# older_than MAJOR MINOR: is the version?
older_than() {
  local major=${VERSION%%.*} rest=${VERSION#*.}
  [ "$major" -lt "$1" ] || { [ "$major" -eq "$1" ] && [ "${rest%%.*}" -lt "$2" ]; }
}

java_version() { "$1" -version 2>&1 | sed -n '1s/.*version "\([0-9]*\).*/\1/p'; }

# find_java: sets JAVA, which kc.sh reads.
find_java() {
  local each version
  for each in "${JAVA_HOME:+$JAVA_HOME/bin/java}" java "$(/usr/libexec/java_home -v 17+ 2>/dev/null || true)/bin/java"; do
    version=$(java_version "$each" 2>/dev/null) || continue
    [ "${version:-0}" -lt 17 ] || { export JAVA=$each && return; }
  done
  die 'neither docker nor podman works here, and there is no Java of 17 or newer: install one of them
  Debian, Ubuntu: apt install default-jre-headless    macOS: brew install openjdk@21    or start Docker'
}

# checked FILE: is this the distribution? The sum of a version that is not known here is asked where the file came from,
# which stops accidents and no thief.
checked() {
  local known sum=sha256sum
  case $VERSION in
    26.7.5) known=$SHA256_26_7_5 ;;
    26.4.5) known=$SHA256_26_4_5 ;;
    *) known=$(curl -sSf -L "$CENTRAL/$VERSION/keycloak-quarkus-dist-$VERSION.zip.sha1") && sum=sha1sum ;;
  esac
  command -v "$sum" >/dev/null || { sum=${sum%sum} && sum="shasum -a ${sum#sha}"; }
  [ "$($sum "$1" | cut -d ' ' -f 1)" = "$known" ] || { rm -f "$1" && die "what was downloaded is not Keycloak $VERSION: its checksum is wrong. Try again"; }
}

# download FILE: the distribution, which is kept.
download() {
  local url=$CENTRAL/$VERSION/keycloak-quarkus-dist-$VERSION.zip
  [ ! -f "$1" ] || return 0
  note "downloading Keycloak $VERSION, 174 MB"
  curl -f -L --retry 3 "$([ -t 2 ] && echo --progress-bar || echo -sS)" -o "$1.$$" "$url" ||
    die "Keycloak $VERSION cannot be had from $url: is there such a version, and a network?"
  checked "$1.$$"
  mv "$1.$$" "$1"
}

unpack() {
  if command -v unzip >/dev/null; then
    unzip -q "$1" -d "$2"
  elif command -v python3 >/dev/null; then
    python3 -m zipfile -e "$1" "$2" && chmod +x "$2"/*/bin/*.sh
  else
    die 'unzip is missing; install it with your package manager (apt install unzip, brew install unzip)'
  fi
}

# as_new FOLDER NEW: what was made elsewhere takes its place, unless somebody else was faster.
as_new() { if [ -d "$1" ]; then rm -rf "$2"; else mv "$2" "$1"; fi; }

# built_in: where the copy is that `built` makes.
built_in() { printf '%s' "$CACHE/keycloak/built-$VERSION-rfc7591${CIMD:+-cimd}"; }

# built: sets BUILT, a folder with Keycloak as it runs fastest. What can be turned on and off is decided here.
built() {
  local zip=$CACHE/keycloak/keycloak-$VERSION.zip new=$CACHE/keycloak/new-$$
  BUILT=$(built_in)
  [ ! -d "$BUILT" ] || return 0
  download "$zip"
  mkdir -p "$new"
  unpack "$zip" "$new"
  note 'building it, once: about 20 s'
  "$new/keycloak-$VERSION/bin/kc.sh" build --db=dev-file --health-enabled=true "$RFC7591_ALONE" \
    ${CIMD:+--features=cimd} >"$RUN/log" 2>&1 ||
    { tail -n 15 "$RUN/log" >&2 && die 'Keycloak could not be built'; }
  as_new "$BUILT" "$new/keycloak-$VERSION"
  rm -rf "$new"
}

# imported: sets IMPORTED, a folder with the database into which the realm file was read.
imported() {
  local new=$CACHE/keycloak/new-$$
  IMPORTED=$CACHE/keycloak/realm-$(realm_sum)
  [ ! -d "$IMPORTED" ] || return 0
  note 'importing the realm, once for each realm file: about 15 s'
  home "$new"
  realm_json >"$new/realm.json"
  "$new/bin/kc.sh" import --optimized --file "$new/realm.json" >"$RUN/log" 2>&1 ||
    { tail -n 15 "$RUN/log" >&2 && die 'the realm file could not be imported'; }
  as_new "$IMPORTED" "$new/data"
  rm -rf "$new"
}

# home FOLDER: a place of its own to run from, with the large part shared.
home() {
  rm -rf "${1:?}/bin" "$1/conf" "${1:?}/lib"
  mkdir -p "$1/bin" "$1/conf" "$1/providers" "$1/data"
  cp "$BUILT/bin/kc.sh" "$1/bin/"
  ln -s "$BUILT/lib" "$1/lib"
}

# Health and what is not for people has a port of its own, by default 9000, where the MCP server wants to be.
management_port() { if [ "$PORT" -le 54615 ]; then echo $((PORT + 10920)); else echo $((PORT - 10920)); fi; }

java_begin() {
  find_java
  export JAVA_OPTS_KC_HEAP=${JAVA_OPTS_KC_HEAP:-'-Xms128m -Xmx512m'} JAVA_OPTS_APPEND=${JAVA_OPTS_APPEND:-'-XX:TieredStopAtLevel=1'}
  is_taken "$(management_port)" && die "port $(management_port), where Keycloak's health would be, is taken by another program; --port N takes another one"
  built
  if [ ! -d "$RUN/data" ] || ! same_settings; then
    [ ! -d "$RUN/data" ] || note 'other settings, or another realm file: what has happened before is forgotten'
    imported
    rm -rf "$RUN/data"
    cp -R "$IMPORTED" "$RUN/data"
    settings >"$RUN/settings"
  fi
  home "$RUN"
  note "starting Keycloak $VERSION on port $PORT"
  set -m # in a process group of its own, which a Ctrl-C here does not reach, and which can be ended as a whole
  nohup "$RUN/bin/kc.sh" start --optimized --cache=local --http-enabled=true --http-host=127.0.0.1 --http-port="$PORT" \
    --hostname="http://localhost:$PORT" --http-management-port="$(management_port)" >"$RUN/log" 2>&1 </dev/null &
  printf '%s\n' "$!" >"$RUN/pid"
  set +m
}

# The number of a process that has ended may be another's today.
java_running() {
  [ -f "$RUN/pid" ] || return 1
  case $(ps -o args= -p "$(cat "$RUN/pid")" 2>/dev/null) in *"$RUN/bin/kc.sh"*) ;; *) return 1 ;; esac
}

java_end() {
  local group begun=$SECONDS
  group=$(cat "$RUN/pid")
  kill -TERM -- "-$group" 2>/dev/null || true
  while kill -0 -- "-$group" 2>/dev/null; do
    [ $((SECONDS - begun)) -lt 20 ] || kill -KILL -- "-$group" 2>/dev/null || true
    sleep 0.1
  done
  rm -f "$RUN/pid"
}

java_logs() { if [ -n "$FOLLOW" ]; then tail -n 50 -f "$RUN/log"; else cat "$RUN/log"; fi; }

java_forget() { rm -rf "$RUN/data"; }
