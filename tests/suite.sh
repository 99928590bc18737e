# What the tests in sh share.  To be sourced, with srcdir set: makes the folder $tmp, which goes with the script.
# shellcheck shell=sh
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
failed=0 checks=0

# skip WHY: end, as a test that cannot run here.
skip() {
    echo "$1: skipped"
    exit 77
}

# wrong TEXT: a check has failed.
wrong() {
    echo "$1"
    failed=$((failed + 1))
}

# expect WHAT GOT WANTED
expect() {
    checks=$((checks + 1))
    [ "$2" = "$3" ] || wrong "$1: $2, expected $3"
}

# within WHAT NUMBER LEAST MOST
within() {
    checks=$((checks + 1))
    { [ "$2" -ge "$3" ] && [ "$2" -le "$4" ]; } 2>/dev/null || wrong "$1: $2, expected $3 to $4"
}

# suite_end: the figures; the status is the test's.
suite_end() {
    echo "$(basename "$0" .sh): Checks: $checks, Failures: $failed"
    [ "$failed" = 0 ]
}
