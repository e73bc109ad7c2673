#!/usr/bin/env bash
# Is the code as the house wants it? A contributor's check: needs nothing but Rust, and takes five minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/parts.sh

case ${1:-} in
  '') ;;
  --help | -h) echo 'usage: scripts/check.sh   format, lints, docs, step diffs, dependencies; exit status 1 if a part failed' && exit 0 ;;
  *) echo 'check.sh takes no arguments; scripts/check_all.sh --help has more' >&2 && exit 2 ;;
esac

part_format() { cargo fmt --all --check; }

part_lints() { cargo clippy -q --workspace --all-targets -- -D warnings; }

part_docs() { RUSTDOCFLAGS='-D warnings' cargo doc -q --workspace --no-deps; }

part_diffs() { cargo_test -q -p workshop-tests --test workshop diffs; }

# A newcomer's first build must be quick: the steps before the first token build no cryptography.
part_light() {
  local step tree found=''
  for step in 1 2 3 4; do
    tree=$(cargo tree -p "step$step" -e normal,build --prefix none --format '{p}')
    if grep -E '^(aws-lc|ring|rsa|jsonwebtoken|openssl|rustls)[-a-z]* ' <<<"$tree"; then
      found=yes
      echo "step $step builds this cryptography; \`cargo tree -p step$step -i NAME\` says why"
    fi
  done
  [ -z "$found" ]
}

# jsonwebtoken compiles with no backend and with two of them, and then panics at run time. Whatever
# in the tree turns the second one on is found here.
part_backend() {
  local tree
  if ! grep -q '^name = "jsonwebtoken"$' Cargo.lock; then
    echo 'nothing uses jsonwebtoken yet'
    return 0
  fi
  tree=$(cargo tree --workspace -e features -i jsonwebtoken --prefix none)
  grep -q 'jsonwebtoken feature "aws_lc_rs"' <<<"$tree" || {
    echo 'jsonwebtoken has no backend: enable its feature aws_lc_rs'
    return 1
  }
  if grep -q 'jsonwebtoken feature "rust_crypto"' <<<"$tree"; then
    echo 'jsonwebtoken has two backends: something enables rust_crypto, `cargo tree -e features -i jsonwebtoken` says what'
    return 1
  fi
}

part format 'cargo fmt'
part lints 'clippy, every target, warnings are errors'
part docs 'rustdoc, warnings are errors'
part diffs 'a step differs from its neighbour by its lesson'
part light 'steps 1 to 4 build no cryptography'
part backend 'jsonwebtoken has exactly one backend'
finish
