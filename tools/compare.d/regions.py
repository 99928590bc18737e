#!/usr/bin/env python3
"""Which part of a mips64el emulator a host address belongs to: a map for tools/hostcount on standard output.

usage: regions.py stitch86 PROGRAM      by source folder, from the debug information
       regions.py tcg PROGRAM           QEMU, by its exported symbols: Debian's is stripped

Lines are "+START +END NAME", counted from the first page with code.  What is in no region stays "program"."""
import os
import re
import subprocess
import sys

LOOKUP = 'look-up and loop'
TRANSLATOR = 'translator'
HELPERS = 'helpers'
SOFTMMU = 'soft MMU'
DEVICES = 'devices'

FOLDERS = {'translator': TRANSLATOR, 'templates': TRANSLATOR, 'softmmu': SOFTMMU, 'machine': DEVICES,
           'runtime': HELPERS, 'fpu': HELPERS, 'simd': HELPERS}
FILES = {'tb-exec.c': LOOKUP, 'tb-link.c': LOOKUP, 'jmp-cache.c': LOOKUP, 'exec.c': LOOKUP,
         'tb-helpers.c': HELPERS, 'tmpl-gen.c': TRANSLATOR, 'isa-gen.c': TRANSLATOR, 'chardev.c': DEVICES,
         'io-thread.c': DEVICES, 'clock.c': DEVICES, 'window-fault.c': SOFTMMU, 'window-sites.c': SOFTMMU}
# Functions that do something else than the rest of their file: stores to pages with code, look-ups.
FUNCTIONS = {'tb_code_written': SOFTMMU, 'tb_invalidate_phys_range': SOFTMMU, 'tb_invalidate': SOFTMMU,
             'page_remove': SOFTMMU, 'tb_unlink_crossing': SOFTMMU, 'tb_find': LOOKUP, 'tb_from_host': LOOKUP}

# QEMU's objects follow each other in the program as its build lists them.  A part begins at the symbol; a
# static function counts with the exported one before it.
QEMU_SYMBOLS = [
    ('_ftext', None), ('x86_cpu_write_elf64_note', HELPERS), ('x86_cpu_tlb_fill', SOFTMMU),
    ('cpu_x86_update_dr7', HELPERS), ('fw_cfg_arch_key_name', DEVICES), ('cpu_x86_update_cr0', HELPERS),
    ('kvm_hv_vpindex_settable', None), ('cpu_cc_compute_all', HELPERS), ('tcg_x86_init', TRANSLATOR),
    ('trace_event_set_state_dynamic_init', DEVICES), ('use_gdb_syscalls', None), ('cpu_outb', DEVICES),
    ('qtest_get_virtual_clock', None), ('icount_update', LOOKUP), ('cpu_exec_realizefn', None),
    ('tcg_optimize', TRANSLATOR), ('floatx80_default_nan', HELPERS), ('accel_find', LOOKUP),
    ('tb_htable_init', TRANSLATOR), ('tcg_flush_jmp_cache', LOOKUP),
    ('translator_loop_temp_check', TRANSLATOR), ('tlb_init', SOFTMMU), ('hax_sync_vcpus', None),
]
# Parts that begin with static functions: so far behind the exported one before them, about.  Those are x86's
# translator, one file, behind exceptions and interrupts; floating point, behind the last of the translator's own.
QEMU_OFFSETS = [('do_interrupt_x86_hardirq', 0x6000, TRANSLATOR), ('tcg_gen_ussub_vec', 0x80, HELPERS)]


def output(*command):
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL).stdout


def first_page(program):
    """Address and end of the loaded part with code."""
    loads = re.findall(r'LOAD +\S+ (\S+) \S+ \S+ (\S+) R E', output('readelf', '-lW', program))
    return int(loads[0][0], 16), int(loads[0][0], 16) + int(loads[0][1], 16)


def print_regions(base, regions):
    for start, end, name in regions:
        if name and start < end:
            print(f'+{start - base:x} +{end - base:x} {name}')


def merge(regions):
    merged = []
    for start, end, name in sorted(regions):
        if merged and merged[-1][2] == name and start - merged[-1][1] < 64:
            merged[-1][1] = end
        else:
            merged.append([start, end, name])
    return merged


def functions(program):
    for line in output('nm', '-S', program).splitlines():
        fields = line.split()
        name = fields[-1].split('.')[0]  # a part that the compiler has split off: name.cold and the like
        if len(fields) == 4 and fields[2] in 'tT' and name in FUNCTIONS:
            start = int(fields[0], 16)
            yield start, start + int(fields[1], 16), FUNCTIONS[name]


def stitch86(program):
    names, unit = {}, None
    for line in output('readelf', '--debug-dump=info', '--dwarf-depth=1', program).splitlines():
        found = re.match(r'\s+Compilation Unit @ offset (?:0x)?([0-9a-f]+):', line)
        if found:
            unit = int(found.group(1), 16)
        found = re.search(r'DW_AT_name\s*:.*?([^\s:]+\.[cS])\s*$', line)
        if found and unit is not None:
            names.setdefault(unit, found.group(1))
    regions, unit = [], None
    for line in output('readelf', '--debug-dump=aranges', program).splitlines():
        found = re.match(r'\s+Offset into \.debug_info:\s+(?:0x)?([0-9a-f]+)', line)
        if found:
            unit = int(found.group(1), 16)
        found = re.match(r'\s+([0-9a-f]{8,16}) ([0-9a-f]{8,16})\s*$', line)
        if found and unit in names:
            start, length = (int(x, 16) for x in found.groups())
            folder, file = os.path.split(names[unit])
            name = FILES.get(file) or FOLDERS.get(os.path.basename(folder))
            regions.append((start, start + length, name))
    base = first_page(program)[0]
    print_regions(base, functions(program))  # the first that fits counts
    print_regions(base, merge(regions))


def tcg(program):
    symbols = {}
    for line in output('nm', '-D', '--defined-only', program).splitlines():
        address, kind, name = line.split()[:3]
        if kind in 'Tt':
            symbols[name.split('@')[0]] = int(address, 16)
    base, end = first_page(program)
    points = [(symbols[name], kind) for name, kind in QEMU_SYMBOLS if name in symbols]
    in_order = points == sorted(points, key=lambda p: p[0])
    if len(points) != len(QEMU_SYMBOLS) or not in_order or any(n not in symbols for n, _, _ in QEMU_OFFSETS):
        return  # another QEMU: all of it is "program"
    points += [(symbols[name] + offset, kind) for name, offset, kind in QEMU_OFFSETS]
    points.sort(key=lambda p: p[0])
    ends = [p[0] for p in points[1:]] + [end]
    print_regions(base, [(start, stop, kind) for (start, kind), stop in zip(points, ends)])


def main():
    kinds = {'stitch86': stitch86, 'tcg': tcg}
    if len(sys.argv) != 3 or sys.argv[1] not in kinds:
        sys.exit(__doc__.split('\n\n')[1])
    kinds[sys.argv[1]](sys.argv[2])


main()
