#!/bin/sh
# -profile counts what a small kernel executes between its marks, with each accelerator, and tools/tmpl coverage tells
# the same.  Environment: STITCH86 (default ./stitch86), HOST_RUN, GUEST_CC, srcdir.
srcdir=${srcdir:-$(dirname "$0")/..}
cc=${GUEST_CC:-i686-linux-gnu-gcc}
stitch86=${STITCH86:-./stitch86}
. "$srcdir/tests/suite.sh"
command -v "$cc" >/dev/null || skip "no compiler for i386 ($cc)"

cat >"$tmp/kernel.s" <<'END'
        .long 0x1badb002, 0, -0x1badb002
        .globl _start
_start: mov $5, %ecx
0:      add %eax, %ebx
        loop 0b
        mov $0xea, %edx
        mov $1, %al
        out %al, %dx            # start
        mov $1000, %ecx
1:      add %eax, %ebx
        bsf %ecx, %esi
        testl $1, table
        loop 1b
        mov $table, %esi
        mov $copy, %edi
        mov (%esi), %ebx        # fill the TLB
        mov %ebx, (%edi)
        mov $8, %ecx
        cld
        rep movsl
        movw $7, odd            # leaves the fast way: crosses a page
        xor %eax, %eax
        cpuid
        mov $0xea, %edx
        xor %eax, %eax
        out %al, %dx            # stop
        mov $100, %ecx
2:      add %eax, %ebx
        loop 2b
        mov $1, %al
        out %al, %dx            # another part
        mov $10, %ecx
3:      add %eax, %ebx
        bsf %ecx, %esi
        loop 3b
        xor %eax, %eax
        out %al, %dx
        mov $0xf4, %edx
        out %al, %dx
        hlt
        .balign 4096
table:  .fill 1024, 4, 5
copy:   .fill 1023, 4, 0
        .word 0
        .byte 0
odd:    .byte 0
        .fill 64, 1, 0
END
"$cc" -m32 -nostdlib -static -no-pie -Wl,-N -Wl,-Ttext=0x100000 -Wl,-e,_start -Wl,--build-id=none \
    -Wl,--no-warn-rwx-segments -o "$tmp/kernel" "$tmp/kernel.s" || exit 99

# field FILE FORM N: of the form's record; 0 if there is none.
field() {
    awk -F '\t' -v f="$2" -v n="$3" '$1 == "form" && $2 == f { print $n; hit = 1 } END { if (!hit) print 0 }' "$1"
}

accels=interp
case $(${HOST_RUN:-} "$stitch86" -accel template -kernel /dev/null 2>&1) in
*"mips64el hosts only"*) ;;
*) accels="interp template" ;;
esac
for accel in $accels; do
    p=$tmp/$accel
    ${HOST_RUN:-} "$stitch86" -accel $accel -kernel "$tmp/kernel" -m 16 -serial null -no-reboot -profile "$p" -perfmap "$p.map" \
        -device isa-debug-exit,iobase=0xf4,iosize=1 </dev/null >"$tmp/log" 2>&1
    expect "$accel: status" $? 1
    t=1000 i=0 # by templates, by the interpreter
    [ $accel = template ] || t=0 i=1000
    for form in ADD_EV_GV BSF_GV_EV LOOP_JB TEST_EV_IZ; do
        expect "$accel: $form with a template" "$(field "$p" $form 3)" $t
        expect "$accel: $form by the interpreter" "$(field "$p" $form 4)" $i
    done
    expect "$accel: CPUID" "$(field "$p" CPUID 3) $(field "$p" CPUID 4)" "0 1"
    # The first mark forgets what was before it, the write that makes it comes behind that; the second one ends it.
    expect "$accel: OUT" "$(field "$p" OUT_DX_AL 4)" 1
    # OUT, MOV, the loop of three, XOR.
    expect "$accel: second part" "$(awk -F '\t' '$1 == "total" { print $2 }' "$p.2")" $((2 + 10 * 3 + 1))
    expect "$accel: ADD in the second part" "$(($(field "$p.2" ADD_EV_GV 3) + $(field "$p.2" ADD_EV_GV 4)))" 10
    expect "$accel: parts" "$(ls "$p".[0-9]*)" "$p.2"
    if [ $accel = template ]; then
        expect "template: REP MOVS" "$(($(field "$p" MOVS_A5 3) + $(field "$p" MOVS_A5 4)))" 1
        expect "template: host words of ADD" "$(($(field "$p" ADD_EV_GV 5) >= 1000 && $(field "$p" ADD_EV_GV 5) <= 6000))" 1
        expect "template: host words of a load" "$(($(field "$p" TEST_EV_IZ 5) >= 3000 && $(field "$p" TEST_EV_IZ 5) <= 9000))" 1
        # The loop, and a few blocks more, were made between the marks.
        made=$(awk -F '\t' '$1 == "event" && $2 == "block_translated" { print $3 }' "$p")
        expect "template: blocks made ($made)" "$((made >= 2 && made <= 16))" 1
        expect "template: events, each once" "$(awk -F '\t' '$1 == "event" { print $2 }' "$p" | sort | uniq -d)" ""
        named=$(grep -Ec '^[0-9a-f]+ [0-9a-f]*[048c] guest_001000[0-9a-f]{2}_cpl0$' "$p.map")
        expect "template: -perfmap's blocks ($named)" "$((named >= made))" 1
        expect "template: the loop's block" "$(awk -F '\t' '$1 == "block" && $5 >= 999 { print $6 }' "$p")" 4
    fi
    expect "$accel: total" "$(awk -F '\t' '$1 == "total" { print $2 }' "$p")" \
        "$(awk -F '\t' '$1 == "form" { n += $3 + $4 } END { print n }' "$p")"
    "$srcdir/tools/tmpl" --build-dir "$tmp/build" coverage "$p" --rows 0 --html "$p.html" >"$tmp/text"
    expect "$accel: coverage" $? 0
    expect "$accel: coverage's ADD" "$(awk '$1 == "ADD_EV_GV" { print $2 }' "$tmp/text")" 1000
    expect "$accel: coverage's CPUID" "$(awk '$1 == "CPUID" { print $2, $4 }' "$tmp/text")" "1 interpreter"
    expect "$accel: the page's CPUID" "$(grep -c '<tr class="interpreter"><td>CPUID</td><td>1</td>' "$p.html")" 1
    # A template would save most where the interpreter ran most.
    if [ $accel = interp ]; then
        expect "interp: first row" "$(sed -n '2s/ .*//p' "$tmp/text")" ADD_EV_GV
    fi
done
${HOST_RUN:-} "$stitch86" -accel interp -kernel "$tmp/kernel" -profile "$tmp/none/such" >"$tmp/log" 2>&1 </dev/null
expect "a file that cannot be written" "$? $(grep -c '^stitch86: -profile .*/none/such: ' "$tmp/log")" "1 1"
"$srcdir/tools/tmpl" --build-dir "$tmp/build" coverage "$tmp/kernel.s" >"$tmp/log" 2>&1
expect "what is no profile" $? 1
suite_end
