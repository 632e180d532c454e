# shellcheck shell=bash
# What the package's tests share; sourced.  SOURCE BUILD CXX are the tests' arguments.
set -euo pipefail
source_dir=$1 build=$2 cxx=$3
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
here=$source_dir/pool/package/test
failures=0

fail() {
  printf 'FAILED: %s\n' "$*" >&2
  failures=$((failures + 1))
}

# quietly COMMAND...: its output only where it fails, which ends the test.
quietly() {
  "$@" >"$scratch/output" 2>&1 || {
    cat "$scratch/output" >&2
    printf 'FAILED: %s\n' "$*" >&2
    exit 1
  }
}
