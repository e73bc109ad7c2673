#!/usr/bin/env bash
# Does step 5 keep its promises, and those of the steps before it? scripts/test_step5.sh --help
set -euo pipefail
. "$(dirname "$0")/lib.sh"
test_step 5 "$@"
