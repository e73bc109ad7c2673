#!/usr/bin/env bash
# Does step 9 keep its promises, and those of the steps before it? scripts/test_step9.sh --help
set -euo pipefail
. "$(dirname "$0")/lib.sh"
test_step 9 "$@"
