#!/bin/sh
# The template compiler refuses what it has to refuse, with file, line and reason: what it
# says about tests/tmplc/bad-*.tmpl must be what their `#!' comments say, no more and no less.
# Make's own templates are the test of what it must accept.
srcdir=${srcdir:-$(dirname "$0")/..}
tmplc=${TMPLC:-tools/tmplc/tmplc}
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT

case $tmplc in /*) ;; *) tmplc=$PWD/$tmplc ;; esac
isa=$(cd "$srcdir/translator" && pwd)/isa.tab
failed=0 checks=0
cd "$srcdir/tests/tmplc" || exit 99
for f in bad-*.tmpl; do
    awk '(i = index($0, "#! ")) { print FILENAME ":" FNR ": " substr($0, i + 3) }' "$f" \
        | sort > "$tmp/expected"
    "$tmplc" --isa "$isa" "$f" 2> "$tmp/out"
    status=$?
    grep -v '^tmplc: [0-9]* errors*$' "$tmp/out" | sort > "$tmp/got"
    checks=$((checks + $(wc -l < "$tmp/expected")))
    if [ $status != 1 ]; then
        echo "$f: exit status $status"
        failed=$((failed + 1))
    fi
    if ! diff -u "$tmp/expected" "$tmp/got"; then
        failed=$((failed + 1))
    fi
done

# Files and options.
wrong() {
    echo "$1: $(cat "$tmp/out")"
    failed=$((failed + 1))
}
"$tmplc" "$tmp/none.tmpl" 2> "$tmp/out"
[ $? = 1 ] && grep -q 'cannot read' "$tmp/out" || wrong "missing file"
"$tmplc" --header "$tmp/no/dir.h" all-opcodes.tmpl 2> "$tmp/out"
[ $? = 1 ] && grep -q 'cannot write' "$tmp/out" || wrong "no directory"
"$tmplc" 2> "$tmp/out"
[ $? = 2 ] || wrong "no arguments"
checks=$((checks + 3))
echo "check_tmplc: Checks: $checks, Failures: $failed"
[ $failed = 0 ]
