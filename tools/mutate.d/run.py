#!/usr/bin/env python3
"""Mutates templates, compiles the mutants into test programs, runs them, and tells which ones no test
noticed.

Called by tools/tmpl.d/mutate, which builds what is needed: see there.
"""
import argparse
import collections
import concurrent.futures
import os
import random
import re
import subprocess
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import operators  # noqa: E402

BATCH = 40
LEAST = 0.99  # of mutants are noticed or argued equivalent
SPARE = 400
RESULTS = {0: 'survived', 1: 'check_tmpl_insn', 2: 'check_tmpl_cond', 3: 'check_vectors',
           4: 'check_tmpl_random', 5: 'check_blocks', 6: 'check_snippets',
           7: 'check_fpu_templates', 77: 'skipped'}


class Failed(Exception):
    pass


def say(text):
    print('==> ' + text, file=sys.stderr, flush=True)


def command(args, **more):
    r = subprocess.run(args, capture_output=True, text=True, **more)
    if r.returncode:
        raise Failed('%s\n%s%s' % (' '.join(args)[:400], r.stdout, r.stderr[:4000]))
    return r.stdout


class Build:
    """One host's compiler and objects."""

    def __init__(self, name, cc, folder, runner, top, work):
        self.name, self.cc, self.folder, self.runner = name, cc.split(), folder, runner.split()
        self.top, self.dir = top, os.path.join(work, name)
        os.makedirs(self.dir, exist_ok=True)
        inc = ['tools/mutate.d', 'tests', 'runtime', 'runtime/fpu', 'runtime/simd', 'translator', 'softmmu',
               'machine', 'templates']
        self.includes = ['-I' + self.dir, '-I' + folder] + ['-I%s/%s' % (top, d) for d in inc]
        self.flags = ['-std=gnu11', '-D_GNU_SOURCE', '-DHAVE_CONFIG_H', '-w']

    def compile(self, source, o, *options):
        command(self.cc + self.flags + list(options) + self.includes + ['-c', source, '-o', o])
        return o


def original_sources(build):
    """The generated header with every emitter and its constants behind a variable, the source that defines
    them, and the table with room for a mutant's rows."""
    text = open(build.folder + '/tmpl-gen.h').read()
    table = open(build.folder + '/tmpl-gen.c').read()
    functions = re.findall(r'^static inline uint32_t \*(emit_\w+)\(([^)]*)\)', text, re.M)
    constants = re.findall(r'^\s+((?:WORDS|SITE|CLOBBERS)_\w+) = ([^,\n]*)', text, re.M)
    body = strip_lines(text)
    for name, _ in functions:
        body = re.sub(r'\b%s\b' % name, 'original_' + name, body)
    body = re.sub(r'\b((?:WORDS|SITE|CLOBBERS)_\w+)(?= =)', r'original_\1', body)
    decls, defs = [], ['#include "tmpl-gen.h"\n']
    for name, args in functions:
        decls.append('extern uint32_t *(*mutant_%s)(%s);\n#define %s mutant_%s\n' % (name, args, name, name))
        defs.append('uint32_t *(*mutant_%s)(%s) = original_%s;\n' % (name, args, name))
    for name, _ in constants:
        kind = 'uint32_t' if name.startswith('CLOBBERS') else 'int'
        decls.append('extern %s mutant_%s;\n#define %s mutant_%s\n' % (kind, name, name, name))
        defs.append('%s mutant_%s = original_%s;\n' % (kind, name, name))
    end = body.rindex('#endif')
    write(build.dir + '/tmpl-gen.h', body[:end] + ''.join(decls) + body[end:])
    write(build.dir + '/snippets.c', ''.join(defs))
    rows = int(re.search(r'tmpl_table_size = (\d+)', table).group(1))
    cond_rows = int(re.search(r'tmpl_cond_table_size = (\d+)', table).group(1))
    table = strip_lines(table).replace('tmpl_table[] = {', 'tmpl_table[%d] = {' % (rows + SPARE))
    table = table.replace('tmpl_cond_table[] = {', 'tmpl_cond_table[%d] = {' % (cond_rows + SPARE))
    write(build.dir + '/table.c', table)
    return rows, cond_rows


def strip_lines(text):
    return re.sub(r'^#line.*\n', '', text, flags=re.M)


def write(path, text):
    try:
        if open(path).read() == text:
            return
    except OSError:
        pass
    with open(path, 'w') as f:
        f.write(text)


def reduced_files(mutant, stanzas, folder):
    """The mutated stanza and those whose rows stand with its own, at the lines where they are."""
    files = collections.OrderedDict()
    for s in stanzas:
        if s is mutant.stanza or mutant.stanza.related(s):
            lines = mutant.lines() if s is mutant.stanza and mutant.new is not None else s.lines
            files.setdefault(s.file, []).append((s.first, lines))
    paths = []
    for name, parts in files.items():
        text = []
        for first, lines in parts:
            text += [''] * (first - len(text)) + lines
        path = os.path.join(folder, name)
        with open(path, 'w') as f:
            f.write('\n'.join(text) + '\n')
        paths.append(path)
    return paths


class Original:
    """A mutant that is none."""
    def __init__(self, stanza):
        self.stanza, self.new = stanza, None


def compile_stanza(mutant, stanzas, tmplc, isa, folder):
    """What tmplc makes of it, without line numbers, or None and what it says."""
    os.makedirs(folder, exist_ok=True)
    paths = reduced_files(mutant, stanzas, folder)
    names = [os.path.basename(p) for p in paths]
    r = subprocess.run([tmplc, '--isa', isa, '--header', 'm.h', '--table', 'm.c'] + names, cwd=folder,
                       capture_output=True, text=True)
    for p in paths:
        os.unlink(p)
    if r.returncode:
        return None, r.stderr.split('\n')[0]
    return (strip_lines(open(folder + '/m.h').read()), strip_lines(open(folder + '/m.c').read())), ''


def group_of(snippet):
    """Whose instructions use it."""
    if snippet.file.startswith('x87'):
        return 'GROUP_X87'
    if snippet.file.startswith(('simd', 'sse')) or re.match(r'host_|(ld|st)_(64|128)', snippet.name):
        return 'GROUP_SIMD'
    return 'GROUP_INTEGER'


def mutant_source(mutant, code):
    """C that defines apply_ID()."""
    header, table = code
    p = 'm%d_' % mutant.id
    header = re.sub(r'^#(ifndef|define|endif|include).*\n', '', header, flags=re.M)
    header = re.sub(r'^#if.*\n', '', header, flags=re.M)
    table = re.sub(r'^#include.*\n', '', table, flags=re.M)
    if mutant.stanza.kind == 'snippet':
        functions = re.findall(r'^static inline uint32_t \*(emit_\w+)\(', header, re.M)
        constants = re.findall(r'^\s+((?:WORDS|SITE|CLOBBERS)_\w+) =', header, re.M)
        text = header
        for name in functions:
            text = re.sub(r'\b%s\b' % name, p + name, text)
        for name in constants:
            text = re.sub(r'\b%s\b' % name, p + name, text)
        apply = ['mutant_%s = %s%s;' % (n, p, n) for n in functions + constants]
        apply.append('mutated_group = %s;' % group_of(mutant.stanza))
        return text + 'void apply_%d(void)\n{\n    %s\n}\n' % (mutant.id, '\n    '.join(apply))
    asserts = ''.join(re.findall(r'^_Static_assert.*\n', header, flags=re.M))
    for name in re.findall(r'^static uint32_t \*(\w+)\(', table, re.M):
        table = re.sub(r'\b%s\b' % name, p + name, table)
    for name in ('tmpl_table', 'tmpl_table_size', 'tmpl_index', 'tmpl_index_size', 'tmpl_cond_table',
                 'tmpl_cond_table_size', 'tmpl_cond_index'):
        table = re.sub(r'\b%s\b' % name, p + name, table)
    table = re.sub(r'^const ', 'static const ', table, flags=re.M)
    if mutant.stanza.kind == 'template':
        names = ['MN_' + n.upper() for n in mutant.stanza.names]
        call = 'static const uint16_t mnems[] = {%s};\n    ' % ', '.join(names)
        call += 'mutant_rows(%stmpl_table, %stmpl_table_size, %stmpl_index, mnems, %d);' % (p, p, p, len(names))
    else:
        call = 'mutant_cond_rows(%stmpl_cond_table, %stmpl_cond_table_size, %stmpl_cond_index);' % (p, p, p)
    return asserts + table + 'void apply_%d(void)\n{\n    %s\n}\n' % (mutant.id, call)


PREAMBLE = '#include "tmpl-gen.h"\n#include "isa-gen.h"\n#include "mutant.h"\n#include <stddef.h>\n'


def compile_batches(build, mutants, jobs):
    """Objects with all mutants; those that the C compiler refuses are taken out and returned."""
    refused = []
    lock = threading.Lock()

    def one(number):
        batch = mutants[number * BATCH:(number + 1) * BATCH]
        source, o = '%s/batch%d.c' % (build.dir, number), '%s/batch%d.o' % (build.dir, number)
        write(source, PREAMBLE + ''.join(m.source for m in batch))
        try:
            return build.compile(source, o, '-O0')
        except Failed:
            good = []
            for m in batch:
                write(source, PREAMBLE + m.source)
                try:
                    build.compile(source, o, '-O0')
                    good.append(m)
                except Failed as e:
                    m.how = 'C compiler'
                    m.said = next((x for x in str(e).split('\n') if 'error' in x), '')
                    with lock:
                        refused.append(m)
            write(source, PREAMBLE + ''.join(m.source for m in good))
            return build.compile(source, o, '-O0')

    numbers = range((len(mutants) + BATCH - 1) // BATCH)
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(one, numbers)), refused


def link(build, objects, batches, mutants, rows, libs):
    text = PREAMBLE + ''.join('void apply_%d(void);\n' % m.id for m in mutants)
    entries = ''.join('    { %d, apply_%d },\n' % (m.id, m.id) for m in mutants)
    text += 'const struct mutant mutants[] = {\n%s};\n' % entries
    text += 'const unsigned mutant_count = %d;\n' % len(mutants)
    text += 'const unsigned mutant_original_rows = %d, mutant_original_cond_rows = %d;\n' % rows
    write(build.dir + '/all.c', text)
    o = build.compile(build.dir + '/all.c', build.dir + '/all.o', '-O0')
    program = build.dir + '/host'
    command(build.cc + ['-o', program, '-Wl,-z,muldefs'] + objects + batches + [o] + libs)
    return program


def run_mutants(build, program, mutants, jobs, env):
    """Sets how of each one that a test notices."""
    queue = list(reversed(mutants))
    lock = threading.Lock()
    done = [0]

    def worker(_):
        p = subprocess.Popen(build.runner + [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             text=True, env=dict(os.environ, **env))
        while True:
            with lock:
                if not queue:
                    break
                m = queue.pop()
            p.stdin.write('%d\n' % m.id)
            p.stdin.flush()
            answer = p.stdout.readline().split()
            if len(answer) != 2:
                raise Failed('the test program for %s ended' % build.name)
            result = int(answer[1])
            if result:
                m.how = RESULTS.get(result) or 'signal %d' % (result - 100)
            with lock:
                done[0] += 1
                if done[0] % 200 == 0:
                    say('%s: %d of %d' % (build.name, done[0], len(mutants)))
        p.stdin.close()
        p.wait()

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        list(pool.map(worker, range(jobs)))


def read_equivalent(path):
    """[(file, key, reason)]"""
    found = []
    if not os.path.exists(path):
        return found
    for n, line in enumerate(open(path, encoding='ascii'), 1):
        line = line.rstrip('\n')
        if not line or line.startswith('#'):
            continue
        parts = line.split('\t')
        if len(parts) != 3 or not all(parts):
            raise Failed('%s:%d: not FILE, key and reason between tabs' % (path, n))
        found.append(tuple(parts))
    return found


def sample(mutants, count, seed):
    """Operators and stanza lines have equal chances, however many variants there are of each."""
    if not count or count >= len(mutants):
        return mutants
    r = random.Random(seed)
    groups = collections.OrderedDict()
    for m in mutants:
        groups.setdefault((m.stanza.path, m.stanza.first, m.index, m.operator), []).append(m)
    groups = list(groups.values())
    for g in groups:
        r.shuffle(g)
    chosen, depth = [], 0
    while len(chosen) < count:
        layer = [g[depth] for g in groups if len(g) > depth]
        r.shuffle(layer)
        chosen += layer[:count - len(chosen)]
        depth += 1
    return chosen


def main():
    a = argparse.ArgumentParser(prog='tmpl mutate')
    a.add_argument('--count', type=int, default=2400, help='mutations; 0: all there are')
    a.add_argument('--seed', type=int, default=1)
    a.add_argument('--file', action='append', help='of this templates/ file only')
    a.add_argument('--key', help='only those whose key has this text')
    a.add_argument('--jobs', type=int, default=os.cpu_count())
    a.add_argument('--native-only', action='store_true', help='only what runs in the MIPS simulator')
    a.add_argument('--keep-going', action='store_true', help='even if the tests fail without a mutation')
    a.add_argument('--list', action='store_true', help='print keys, run nothing')
    for name in ('top', 'work', 'native', 'host', 'runner', 'native-cc', 'host-cc', 'native-libs', 'host-libs'):
        a.add_argument('--' + name, required=True, help=argparse.SUPPRESS)
    a = a.parse_args()
    try:
        sys.exit(mutate(a))
    except Failed as e:
        print('mutate: %s' % e, file=sys.stderr)
        sys.exit(2)


def host_objects(build, cross, jobs):
    """Objects of the test host itself."""
    def of(folder, names):
        return [build.top + '/' + folder + '/' + n for n in names]

    def matching(folder, pattern):
        return of(folder, sorted(f for f in os.listdir(build.top + '/' + folder) if re.fullmatch(pattern, f)))

    if cross:
        sources = of('tools/mutate.d', ['host.c', 'host-cross.c', 'host-vectors.c', 'host-blocks.c',
                                       'host-x87.c'])
        sources += matching('tests', r'block-.*\.c|vec-.*\.c|tmpl-random\.c|fpu-gen\.c|suite\.c')
        sources += matching('translator', r'(gen|tb|jmp).*\.c')
    else:
        sources = of('tools/mutate.d', ['host.c', 'host-native.c', 'host-insn.c', 'host-cond.c',
                                       'host-snippets.c'])
        sources += matching('tests', r'tmpl-case\.c|snippet-.*\.c|x86-native\.c|suite\.c|mips-sim.*\.c')
    sources += [build.top + '/templates/tmpl.c', build.dir + '/snippets.c', build.dir + '/table.c']

    def one(source):
        return build.compile(source, '%s/%s.o' % (build.dir, os.path.basename(source)), '-O1')
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(one, sources))


def mutate(a):
    top, work = a.top, a.work
    tmplc, isa = a.native + '/tools/tmplc/tmplc', top + '/translator/isa.tab'
    paths = sorted(top + '/templates/' + f for f in os.listdir(top + '/templates') if f.endswith('.tmpl'))
    stanzas = [s for p in paths for s in operators.read_stanzas(p)]
    mutants = [m for s in stanzas for m in operators.mutants_of(s)]
    for i, m in enumerate(mutants, 1):
        m.id, m.how, m.said = i, None, ''
    equivalent = read_equivalent(top + '/tests/mutate-equivalent')
    known = {(m.stanza.file, m.key): m for m in mutants}
    for file, key, _ in equivalent:
        if (file, key) not in known:
            raise Failed('tests/mutate-equivalent: no such mutation: %s\t%s' % (file, key))
    argued = {(file, key) for file, key, _ in equivalent}
    if a.file:
        mutants = [m for m in mutants if m.stanza.file in a.file]
    if a.key:
        mutants = [m for m in mutants if a.key in m.key]
    total = len(mutants)
    mutants = sample(mutants, a.count, a.seed)
    if a.list:
        for m in mutants:
            print('%s\t%s' % (m.stanza.file, m.key))
        return 0
    say('%d of %d mutations' % (len(mutants), total))

    originals = {}
    lock = threading.Lock()

    def assemble(m):
        folder = '%s/tmplc/%d' % (work, threading.get_ident() % 100000)
        with lock:
            original = originals.get(m.stanza)
        if not original:
            original = compile_stanza(Original(m.stanza), stanzas, tmplc, isa, folder)
            if not original[0]:
                raise Failed('%s: %s' % (m.stanza.title, original[1]))
            with lock:
                originals[m.stanza] = original
        code, m.said = compile_stanza(m, stanzas, tmplc, isa, folder)
        if not code:
            m.how = 'tmplc'
        elif [neutral(c) for c in code] == [neutral(c) for c in original[0]]:
            m.how = 'nothing'
        else:
            m.source = mutant_source(m, code)

    os.makedirs(work + '/tmplc', exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(a.jobs) as pool:
        list(pool.map(assemble, mutants))
    mutants = [m for m in mutants if m.how != 'nothing']
    alive = [m for m in mutants if not m.how]
    say('%d change something; %d of them are refused by tmplc' % (len(mutants), len(mutants) - len(alive)))

    native = Build('native', a.native_cc, a.native, '', top, work)
    cross = Build('cross', a.host_cc, a.host, a.runner, top, work)
    env = {'srcdir': top, 'CK_FORK': 'no'}
    for build, libs in ((native, a.native_libs), (cross, a.host_libs)):
        is_cross = build is cross
        if is_cross and a.native_only:
            break
        if not is_cross and a.native == a.host: # on a Loongson there is no x86 CPU to compare with
            continue
        controls = control_mutants(originals)
        chosen = controls + alive
        rows = original_sources(build)
        say('%s: compiling the tests and %d mutants' % (build.name, len(chosen)))
        objects = host_objects(build, is_cross, a.jobs)
        batches, refused = compile_batches(build, chosen, a.jobs)
        chosen = [m for m in chosen if not m.how]
        program = link(build, objects, batches, chosen, rows, libs.split())
        run_mutants(build, program, chosen, a.jobs, env)
        wrong = [m for m in controls if m.how]
        if wrong and a.keep_going:
            say('the tests fail without a mutation: %s: %s' % (wrong[0].stanza.title, wrong[0].how))
        elif wrong:
            raise Failed('the tests fail without a mutation: %s: %s' % (wrong[0].stanza.title, wrong[0].how))
        alive = [m for m in alive if not m.how]
        say('%s: %d are left' % (build.name, len(alive)))
    return report(mutants, alive, argued)


def control_mutants(originals):
    """Unchanged stanzas, which the tests have to pass: the first of each kind."""
    found = {}
    for s, (code, _) in sorted(originals.items(), key=lambda x: x[0].title):
        kind = s.kind if s.kind != 'snippet' else group_of(s)
        if kind in found:
            continue
        m = found[kind] = Original(s)
        m.id, m.how, m.said = 1000000 + len(found), None, ''
        m.source = mutant_source(m, code)
    return list(found.values())


def neutral(text):
    """Without what names a stanza."""
    return re.sub(r'\.name = "[^"]*"|TMPL_TRACED\(.*\);|"[^"]*"', '', text)


def report(mutants, alive, argued):
    by_operator = collections.OrderedDict()
    by_how = collections.Counter(m.how or 'survived' for m in mutants)
    for m in mutants:
        n = by_operator.setdefault(m.operator, [0, 0])
        n[0] += 1
        n[1] += m.how is None
    print('%-12s %9s %9s' % ('mutation', 'mutants', 'survived'))
    for name, (n, survived) in sorted(by_operator.items()):
        print('%-12s %9d %9d' % (name, n, survived))
    print('\n%-20s %9s' % ('noticed by', 'mutants'))
    for name, n in by_how.most_common():
        print('%-20s %9d' % (name, n))
    fresh = [m for m in alive if (m.stanza.file, m.key) not in argued]
    lost = [m for m in mutants if m.how and (m.stanza.file, m.key) in argued]
    for m in lost:
        print('noticed, though tests/mutate-equivalent has it: %s\t%s' % (m.stanza.file, m.key))
    if fresh:
        print('\nsurvivors that are not in tests/mutate-equivalent:')
        for m in fresh:
            print('%s\t%s' % (m.stanza.file, m.key))
    killed = len(mutants) - len(alive)
    score = 100.0 * killed / len(mutants) if mutants else 100.0
    print('\nmutation score: %d of %d noticed, %.2f %%; %d survivors, %d of them argued equivalent' % (
        killed, len(mutants), score, len(alive), len(alive) - len(fresh)))
    # A choice of other mutations finds other equivalent ones: a few are no failure.
    accepted = killed + len(alive) - len(fresh)
    return 1 if lost or accepted < LEAST * len(mutants) else 0


if __name__ == '__main__':
    main()
