#!/bin/sh
# The cost ledger: host instructions of each stanza and variant, of hot blocks, and the limits of single
# instructions are what tests/ledger/ says.  Any difference, better or worse, is an error; `tools/tmpl ledger
# --accept' takes the new costs over, and then they can be seen in the commit.
#
# usage: check_ledger.sh [--accept]
srcdir=${srcdir:-$(dirname "$0")/..}
tmplc=${TMPLC:-tools/tmplc/tmplc}
show=${TMPLSHOW:-${HOST_RUN:+$HOST_RUN }tools/tmplshow/tmplshow}
golden=$srcdir/tests/ledger
. "$srcdir/tests/suite.sh"
accept=false
[ "${1-}" = --accept ] && accept=true

# ---- stanzas: one file for each of templates/ ----
mkdir "$tmp/new" "$tmp/blocks"
"$tmplc" --isa "$srcdir/translator/isa.tab" --ledger "$tmp/new" "$srcdir"/templates/*.tmpl || exit 1
keys() { # FILE: the titles of its stanzas
    grep -E '^(template|value|branch|snippet) ' "$1" | sort
}
for new in "$tmp"/new/*.txt; do
    name=$(basename "$new")
    checks=$((checks + $(keys "$new" | wc -l)))
    if [ ! -f "$golden/$name" ]; then
        $accept || wrong "tests/ledger/$name: missing: templates/${name%.txt}.tmpl has no golden file"
    elif ! cmp -s "$golden/$name" "$new"; then
        keys "$golden/$name" >"$tmp/old.keys"
        keys "$new" >"$tmp/new.keys"
        comm -23 "$tmp/old.keys" "$tmp/new.keys" | sed "s|^|tests/ledger/$name: matches no stanza: |"
        comm -13 "$tmp/old.keys" "$tmp/new.keys" \
            | sed "s|^|templates/${name%.txt}.tmpl: stanza without golden: |"
        diff -u -L "tests/ledger/$name" -L "templates/${name%.txt}.tmpl" "$golden/$name" "$new"
        $accept || wrong "tests/ledger/$name differs"
    fi
    $accept && cp "$new" "$golden/$name"
done
for old in "$golden"/*.txt; do
    name=$(basename "$old")
    case $name in block-*) continue ;; esac
    if [ -f "$old" ] && [ ! -f "$tmp/new/$name" ]; then
        if $accept; then
            rm "$old"
        else
            wrong "tests/ledger/$name: there is no templates/${name%.txt}.tmpl"
        fi
    fi
done

# ---- hot blocks ----
blocks=0
for old in "$golden"/block-*.txt; do
    [ -f "$old" ] || continue
    name=$(basename "$old")
    blocks=$((blocks + 1))
    # shellcheck disable=SC2086
    if ! $show block "$old" >"$tmp/blocks/$name"; then
        wrong "tests/ledger/$name: cannot be translated"
    elif $accept; then
        cmp -s "$old" "$tmp/blocks/$name" || diff -u -L "$name" -L "$name, now" "$old" "$tmp/blocks/$name"
        cp "$tmp/blocks/$name" "$old"
    elif ! diff -u -L "tests/ledger/$name" -L "$name, now" "$old" "$tmp/blocks/$name"; then
        wrong "tests/ledger/$name differs"
    fi
done
[ "$blocks" -gt 0 ] || wrong "no hot blocks"

# ---- show ----
# add eax, [ebx+4]: where the loaded value is kept depends on whether the flags are live.
shown=false
# shellcheck disable=SC2086
$show show 0x1000 "03 43 04" >"$tmp/show" && grep -q '^---- flags live ----$' "$tmp/show" &&
    grep -q '^---- flags dead ----$' "$tmp/show" && grep -q '^add eax, dword \[ebx+0x4\]: [0-9]* (' "$tmp/show" &&
    grep -Eq '^    add d:rw, s:r +addu +\$eax, \$eax, \$cc_src +alu.tmpl:[0-9]+$' "$tmp/show" &&
    grep -Eq '^    slow_ld +jal +thunk_ld_32 ' "$tmp/show" && shown=true
$shown || wrong "show: $(cat "$tmp/show")"
# shellcheck disable=SC2086
if $show show 0x1000 "ff ff" >"$tmp/show" 2>&1; then
    wrong "show: takes what is no instruction: $(cat "$tmp/show")"
fi

# ---- limits: these are not accepted, they are kept ----
# shellcheck disable=SC2086
$show limits "$golden/limits" >"$tmp/limits" 2>&1 || wrong "tests/ledger/limits: see OVER and interpreter"
cat "$tmp/limits"
checks=$((checks + 2 + blocks + $(grep -c . "$tmp/limits")))

suite_end && exit
$accept || echo "To accept these costs: tools/tmpl ledger --accept"
exit 1
