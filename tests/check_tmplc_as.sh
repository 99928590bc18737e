#!/bin/sh
# Every word that the emitters store, against GNU as: tmplc writes a program that runs each emitter
# on samples of its parameters and prints the same instructions as assembly text; as has to
# make the same words of it.  Once for the templates, once for all instructions tmplc knows; with
# TEMPLATES_ONLY, a list of mnemonics, only for their templates.
srcdir=${srcdir:-$(dirname "$0")/..}
tmplc=${TMPLC:-tools/tmplc/tmplc}
cc=${CC_FOR_BUILD:-cc}
. "$srcdir/tests/suite.sh"

as=
for try in $MIPS_AS mips64el-linux-gnuabi64-as as; do
    if echo '.set loongson-ext; gsldx $2, 0($3, $4)' | "$try" -march=gs464 -o "$tmp/o" - 2> /dev/null; then
        as=$try objcopy=${try%as}objcopy
        break
    fi
done
if [ -z "$as" ] || ! "$cc" -v > /dev/null 2>&1; then
    skip "no assembler for MIPS64 with Loongson extensions, or no compiler"
fi

cpp="-I$tmp -I. -I$srcdir/templates -I$srcdir/runtime -I$srcdir/runtime/fpu -I$srcdir/runtime/simd"
cpp="$cpp -I$srcdir/translator -I$srcdir/softmmu"
compare() { # name, tmplc arguments
    name=$1
    shift
    "$tmplc" --header "$tmp/tmpl-gen.h" --table "$tmp/tmpl-gen.c" --selftest "$tmp/self.c" "$@" || return 1
    # shellcheck disable=SC2086
    "$cc" -std=gnu11 -D_GNU_SOURCE= -O0 $cpp -o "$tmp/self" "$tmp/self.c" || return 1
    "$tmp/self" "$tmp/words" "$tmp/text.s" || return 1
    # as puts a sync before each ll by itself for Loongson's sake; templates write their own.
    "$as" -march=gs464 -mno-fix-loongson3-llsc -o "$tmp/text.o" "$tmp/text.s" || return 1
    "$objcopy" -O binary -j .text "$tmp/text.o" "$tmp/expected" || return 1
    size=$(wc -c < "$tmp/words")
    # The section is padded to 16 bytes.
    if [ "$size" -eq 0 ] || [ $(($(wc -c < "$tmp/expected") - size)) -ge 16 ]; then
        echo "$name: sizes differ"
        return 1
    fi
    head -c "$size" "$tmp/expected" | cmp - "$tmp/words" || return 1
    # The listings' disassembler, backwards: as makes the words of its text.
    sed -n '/\.text/q;p' "$tmp/text.s" > "$tmp/back.s"
    if ! "$tmplc" --disasm "$tmp/words" >> "$tmp/back.s"; then
        echo "$name: words that cannot be disassembled:"
        grep '^.word' "$tmp/back.s" | sort | uniq -c
        return 1
    fi
    "$as" -march=gs464 -mno-fix-loongson3-llsc -o "$tmp/back.o" "$tmp/back.s" || return 1
    "$objcopy" -O binary -j .text "$tmp/back.o" "$tmp/again" || return 1
    head -c "$size" "$tmp/again" | cmp - "$tmp/words" || return 1
    echo "$name: $((size / 4)) words agree with as"
}

checks=3
if [ -n "${TEMPLATES_ONLY-}" ]; then
    # Other stanzas become empty lines.
    for file in "$srcdir"/templates/*.tmpl; do
        awk -v names="$TEMPLATES_ONLY" '
            BEGIN { n = split(names, a, " "); for (i = 1; i <= n; i++) want[a[i]] = 1 }
            /^(template|value|branch|snippet) / {
                keep = 0
                m = $1 == "template" ? split($2, b, ",") : 0
                for (i = 1; i <= m; i++)
                    keep = keep || (b[i] in want)
            }
            { print keep ? $0 : "" }' "$file" > "$tmp/$(basename "$file")"
    done
    if grep -q '^template' "$tmp"/*.tmpl; then
        compare templates --isa "$srcdir/translator/isa.tab" "$tmp"/*.tmpl
        exit
    fi
    echo "no templates of these names: nothing to compare"
    exit 0
fi
compare templates --isa "$srcdir/translator/isa.tab" "$srcdir"/templates/*.tmpl || failed=1
all="$srcdir/tests/tmplc/all-opcodes.tmpl $srcdir/tests/tmplc/all-opcodes-fp.tmpl"
# shellcheck disable=SC2086
compare all-opcodes $all || failed=$((failed + 1))

# Is every one of them there?  What traps, and is refused, can't be.
"$tmplc" --opcodes | grep -v ' refused$' | sort > "$tmp/known"
# shellcheck disable=SC2086
sed -n 's/^[1-9]*:* *\([a-z][a-z0-9_.]*\)\( .*\)*$/\1/p' $all | sort -u > "$tmp/tested"
untested=$(cut -d' ' -f1 "$tmp/known" | sort -u | comm -23 - "$tmp/tested")
if [ -n "$untested" ]; then
    wrong "not in all-opcodes: $(echo $untested)"
fi
suite_end
