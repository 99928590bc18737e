#!/bin/sh
# Style of templates/, and what tmplc --lint has to find: its messages about tests/tmplc/lint-*.tmpl must be
# what their `#!' comments say, no more and no less.
srcdir=${srcdir:-$(dirname "$0")/..}
tmplc=${TMPLC:-tools/tmplc/tmplc}
. "$srcdir/tests/suite.sh"
case $tmplc in /*) ;; *) tmplc=$PWD/$tmplc ;; esac

# ---- the templates ----
cd "$srcdir" || exit 99
checks=$((checks + $(cat templates/*.tmpl | wc -l)))
if ! "$tmplc" --isa translator/isa.tab --lint templates/*.tmpl; then
    failed=$((failed + 1))
fi
# Snippets that nothing emits.
sed -n 's/^snippet \([a-z0-9_]*\)(.*/\1/p' templates/*.tmpl | sort -u >"$tmp/snippets"
grep -hoE '\bemit_[a-z0-9_]+' translator/*.c | sed 's/^emit_//' | sort -u >"$tmp/used"
while read -r name; do
    # With `widths' there is one for each.
    if ! grep -qxE "$name(_(8|16|32|64|128))?" "$tmp/used"; then
        grep -n "^snippet $name(" templates/*.tmpl \
            | sed -n "s/^\([^:]*:[0-9]*\):.*/\1: snippet \`$name' is not used/p"
        failed=$((failed + 1))
    fi
done <"$tmp/snippets"

# ---- the linter ----
cd tests/tmplc || exit 99
for f in lint-*.tmpl; do
    awk '(i = index($0, "#! ")) { print FILENAME ":" FNR ": " substr($0, i + 3) }' "$f" | sed 's/ *$//' \
        | sort >"$tmp/expected"
    "$tmplc" --isa ../../translator/isa.tab --lint "$f" 2>&1 | grep -v '^tmplc: [0-9]* errors*$' \
        | sort >"$tmp/got"
    checks=$((checks + $(wc -l <"$tmp/expected")))
    diff -u "$tmp/expected" "$tmp/got" || failed=$((failed + 1))
done
suite_end
