#!/bin/sh
# The template compiler refuses what it has to refuse, with file, line and reason: what it
# says about tests/tmplc/bad-*.tmpl must be what their `#!' comments say, no more and no less.
# Make's own templates are the test of what it must accept.
srcdir=${srcdir:-$(dirname "$0")/..}
tmplc=${TMPLC:-tools/tmplc/tmplc}
. "$srcdir/tests/suite.sh"

case $tmplc in /*) ;; *) tmplc=$PWD/$tmplc ;; esac
isa=$(cd "$srcdir/translator" && pwd)/isa.tab
cd "$srcdir/tests/tmplc" || exit 99
for f in bad-*.tmpl; do
    awk '(i = index($0, "#! ")) { print FILENAME ":" FNR ": " substr($0, i + 3) }' "$f" \
        | sort > "$tmp/expected"
    "$tmplc" --isa "$isa" "$f" 2> "$tmp/out"
    status=$?
    grep -v '^tmplc: [0-9]* errors*$' "$tmp/out" | sort > "$tmp/got"
    checks=$((checks + $(wc -l < "$tmp/expected")))
    expect "$f: status" $status 1
    if ! diff -u "$tmp/expected" "$tmp/got"; then
        failed=$((failed + 1))
    fi
done

# Files and options.
"$tmplc" "$tmp/none.tmpl" 2> "$tmp/out"
[ $? = 1 ] && grep -q 'cannot read' "$tmp/out" || wrong "missing file: $(cat "$tmp/out")"
"$tmplc" --header "$tmp/no/dir.h" all-opcodes.tmpl 2> "$tmp/out"
[ $? = 1 ] && grep -q 'cannot write' "$tmp/out" || wrong "no directory: $(cat "$tmp/out")"
"$tmplc" 2> "$tmp/out"
[ $? = 2 ] || wrong "no arguments: $(cat "$tmp/out")"
checks=$((checks + 3))
suite_end
