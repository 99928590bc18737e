"""Stanzas of templates, and their mutations.

Every mutation changes one thing in one stanza and keeps its number of lines, so that what tmplc says still
has the right line.  The list is complete and always the same: a choice among it is the caller's.
"""
import re
import zlib

HEAD = re.compile(r'(template|value|branch|snippet)\s+(.*)')
REG = re.compile(r'\$[A-Za-z_]\w*')
NEIGHBOURS = {
    'addu': 'subu daddu', 'subu': 'addu', 'daddu': 'dsubu addu', 'dsubu': 'daddu', 'and': 'or', 'or': 'and',
    'xor': 'or nor', 'nor': 'or', 'slt': 'sltu', 'sltu': 'slt', 'movz': 'movn', 'movn': 'movz', 'mul': 'addu',
    'addiu': 'ori xori', 'daddiu': 'ori', 'slti': 'sltiu', 'sltiu': 'slti', 'andi': 'ori', 'ori': 'andi',
    'xori': 'andi', 'sll': 'srl sra', 'srl': 'sll sra', 'sra': 'srl sll', 'rotr': 'srl', 'sllv': 'srlv',
    'srlv': 'sllv srav', 'srav': 'srlv sllv', 'rotrv': 'srlv', 'dsll': 'dsrl', 'dsrl': 'dsra dsll',
    'dsra': 'dsrl', 'dsll32': 'dsrl32', 'dsrl32': 'dsra32 dsll32', 'dsra32': 'dsrl32', 'dsllv': 'dsrlv',
    'dsrlv': 'dsllv dsrav', 'dsrav': 'dsrlv', 'ext': 'ins', 'ins': 'ext', 'dext': 'dins', 'dins': 'dext',
    'seb': 'seh', 'seh': 'seb', 'wsbh': 'seb', 'clz': 'clo', 'clo': 'clz', 'mult': 'multu', 'multu': 'mult',
    'div': 'divu', 'divu': 'div', 'ddiv': 'ddivu', 'ddivu': 'ddiv', 'mfhi': 'mflo', 'mflo': 'mfhi',
    'mthi': 'mtlo', 'mtlo': 'mthi', 'lb': 'lbu lh', 'lbu': 'lb lhu', 'lh': 'lhu lb', 'lhu': 'lh lbu',
    'lw': 'lwu lh', 'lwu': 'lw', 'ld': 'lw', 'sb': 'sh', 'sh': 'sb sw', 'sw': 'sh sd', 'sd': 'sw',
    'gslbx': 'gslhx', 'gslhx': 'gslwx gslbx', 'gslwx': 'gslhx gsldx', 'gsldx': 'gslwx', 'gssbx': 'gsshx',
    'gsshx': 'gsswx gssbx', 'gsswx': 'gsshx gssdx', 'gssdx': 'gsswx', 'beq': 'bne', 'bne': 'beq',
    'beqz': 'bnez', 'bnez': 'beqz', 'bltz': 'bgez blez', 'bgez': 'bltz bgtz', 'blez': 'bgtz bltz',
    'bgtz': 'blez bgez', 'beqzl': 'bnezl', 'bnezl': 'beqzl', 'bltzl': 'bgezl', 'bgezl': 'bltzl',
    'blezl': 'bgtzl', 'bgtzl': 'blezl bgezl', 'beql': 'bnel', 'bnel': 'beql', 'jal': 'j', 'jalr': 'jr',
    'bc1t': 'bc1f', 'bc1f': 'bc1t', 'bc1tl': 'bc1fl', 'bc1fl': 'bc1tl', 'not': 'negu', 'negu': 'not',
    'll': 'lw', 'sc': 'sw', 'lwc1': 'ldc1', 'ldc1': 'lwc1', 'swc1': 'sdc1', 'sdc1': 'swc1',
}
# Parts of names of floating point, MMI and MSA instructions.
PARTS = [
    ('add', 'sub'), ('sub', 'add'), ('mul', 'add'), ('div', 'mul'), ('sqrt', 'mov'), ('max', 'min'),
    ('min', 'max'), ('and', 'or'), ('xor', 'or'), ('nor', 'or'), ('ceq', 'clt'), ('clt', 'cle'),
    ('pcmpeq', 'pcmpgt'), ('pcmpgt', 'pcmpeq'), ('punpckl', 'punpckh'), ('punpckh', 'punpckl'),
    ('ilvr', 'ilvl'), ('ilvl', 'ilvr'), ('pckev', 'pckod'), ('pckod', 'pckev'), ('sll', 'srl'),
    ('srl', 'sra'), ('sra', 'srl'), ('psll', 'psrl'), ('psrl', 'psra'), ('psra', 'psrl'), ('_s', '_u'),
    ('_u', '_s'), ('padds', 'paddus'), ('paddus', 'padds'), ('psubs', 'psubus'), ('psubus', 'psubs'),
    ('trunc', 'round'), ('eq', 'lt'), ('olt', 'ole'), ('un', 'eq'), ('mfc1', 'mfhc1'), ('mfhc1', 'mfc1'),
    ('mtc1', 'mthc1'), ('mthc1', 'mtc1'), ('splat', 'move'), ('.s', '.d'), ('.d', '.s'), ('.b', '.h'),
    ('.h', '.w'), ('.w', '.d'), ('.w', '.h'),
]
SIZES = {'b': 'h', 'h': 'w', 'w': 'd', 'd': 'w'}
COMMUTATIVE = set('addu daddu and or xor nor mul mult multu beq bne beql bnel'.split())
NO_RESULT = re.compile(r's[bhwd]$|sdc1|swc1|gss|st\.|b|j|div|ddiv|mult|dmult|mt|record|sync|nop|c\.|ctc')
JUMPS = re.compile(r'(b(eq|ne|lez|gtz|ltz|gez|eqz|nez|c1[tf]|z|nz)?(\.\w)?l?|j|jal|jr|jalr|b\w+al|bal)$')
RECORDS = ['ADD', 'ADC', 'SUB', 'SBB', 'CMP', 'LOGIC', 'SHL', 'SHR', 'MUL']
OTHER_RECORD = {
    'ADD': 'SUB', 'ADC': 'ADD', 'SUB': 'CMP', 'SBB': 'SUB', 'CMP': 'SUB', 'LOGIC': 'CMP', 'SHL': 'SHR',
    'SHR': 'SHL', 'MUL': 'LOGIC',
}
OTHER_MOD = {'INC': 'DEC', 'DEC': 'INC', 'ROL': 'ROR', 'ROR': 'ROL', 'CF': 'INC'}


class Stanza:
    """kind, name, params {name: type}, first: its first line's index in the file, lines."""

    def __init__(self, path, first, lines):
        self.path, self.first, self.lines = path, first, lines
        self.file = path.rsplit('/', 1)[-1]
        self.kind, rest = HEAD.match(lines[0].split('#')[0]).groups()
        self.title = ' '.join(lines[0].split('#')[0].split())
        if self.kind == 'snippet':
            self.name, args = re.match(r'(\w+)\s*\((.*)\)', rest).groups()
        else:
            self.name, args = (rest.split(None, 1) + [''])[:2]
        self.params = {}
        for p in args.split(','):
            if ':' in p:
                name, kind = p.strip().split(':', 1)
                self.params['$' + name.strip()] = kind.strip()
        self.names = self.name.split(',')
        if self.kind in ('value', 'branch'):
            kinds, conds = self.name.rsplit('.', 1)
            self.questions = {(self.kind, k, c) for k in kinds.split(',') for c in conds.split(',')}
        self.open = any(line.split('#')[0].strip() == 'open' for line in lines)

    def related(self, other):
        """Has tmplc to see the other one with it, so that the rows of its table are complete?"""
        if self.kind == 'snippet' or self.kind != other.kind:
            return self is other
        if self.kind == 'template':
            return bool(set(self.names) & set(other.names))
        return bool(self.questions & other.questions)


def read_stanzas(path):
    lines = open(path, encoding='ascii').read().split('\n')
    starts = [i for i, line in enumerate(lines) if HEAD.match(line)]
    seen = {}
    for n, i in enumerate(starts):
        end = starts[n + 1] if n + 1 < len(starts) else len(lines)
        while end > i + 1 and (not lines[end - 1].strip() or lines[end - 1].startswith('#')):
            end -= 1
        s = Stanza(path, i, lines[i:end])
        seen[s.title] = seen.get(s.title, 0) + 1
        if seen[s.title] > 1:
            s.title += ' #%d' % seen[s.title]
        yield s


class Line:
    """One line of a stanza: indent, widths, operation, operands."""

    def __init__(self, text):
        code = text.split('#')[0].rstrip()
        m = re.match(r'(\s*)(\[[^\]]*\]\s*)?(\S+)(\s*)(.*)$', code)
        self.ok = bool(m)
        if not self.ok:
            return
        self.indent, self.widths, self.op, self.space, rest = m.groups()
        self.widths = self.widths or ''
        self.operands = [x.strip() for x in split_operands(rest)] if rest else []
        self.rest = rest

    def text(self, op=None, operands=None, widths=None):
        return '%s%s%s%s%s' % (self.indent, self.widths if widths is None else widths, op or self.op,
                               self.space or ' ', ', '.join(self.operands if operands is None else operands))


def split_operands(text):
    depth, part, out = 0, '', []
    for c in text:
        depth += (c == '(') - (c == ')')
        if c == ',' and not depth:
            out.append(part)
            part = ''
        else:
            part += c
    return out + [part]


DIRECTIVES = set('widths uses temps sets frame open distinct needs host fp lanes'.split())


def neighbours(op):
    found = NEIGHBOURS.get(op, '').split()
    if not found and op not in ('sx', 'zx', 'move', 'li', 'nop', 'lui', 'b', 'sync', 'bal', 'cfc1', 'ctc1'):
        for a, b in PARTS:
            if a in op:
                found.append(op.replace(a, b, 1))
        if op[-1:] in SIZES and op.startswith(('p', 'b')) and '.' not in op:
            found.append(op[:-1] + SIZES[op[-1]])
    return found


def reads_writes(line):
    regs = [set(REG.findall(o)) for o in line.operands]
    if not regs:
        return set(), set()
    if NO_RESULT.match(line.op):
        return set().union(*regs), set()
    reads = set().union(*regs[1:]) if len(regs) > 1 else set(regs[0])
    if line.op in ('movz', 'movn', 'movt', 'movf', 'sx', 'zx', 'zx64') or line.op.startswith(('ins', 'dins')):
        reads |= regs[0]
    return reads, regs[0]


FP_CLASSES = ('f32', 'f64', 'h', 'x', 'v')


def is_fp(stanza, reg):
    kind = stanza.params.get(reg)
    if kind:
        return kind == 'freg' or kind.partition('.')[2] in FP_CLASSES
    return bool(re.fullmatch(r'\$[fw]\d+|\$fcc\d', reg))


def registers_of(stanza, fp=False):
    kinds = ('r', 'w', 'rw', 'reg', 'freg', 'cl', 'carry', 'flags')
    return [p for p, k in stanza.params.items() if k.partition('.')[0] in kinds and is_fp(stanza, p) == fp]


class Mutant:
    def __init__(self, stanza, operator, index, new):
        """new: {line index in the stanza: text}."""
        self.stanza, self.operator, self.new, self.index = stanza, operator, new, index
        texts = ['`%s\' -> `%s\'' % (norm(stanza.lines[i]), norm(t)) for i, t in sorted(new.items())]
        # Equal lines of one stanza are told apart by their count.
        first = min(new)
        same = sum(norm(stanza.lines[i]) == norm(stanza.lines[first]) for i in range(first + 1))
        self.key = '%s%s: %s' % (stanza.title, ' (%d)' % same if same > 1 else '', ', '.join(texts))

    def lines(self):
        return [self.new.get(i, line) for i, line in enumerate(self.stanza.lines)]


def norm(text):
    return ' '.join(text.split('#')[0].split())


def choose(items, key, n):
    """n of them, always the same."""
    return sorted(items, key=lambda x: zlib.crc32((key + x).encode()))[:n]


def positive(s, i, line):
    """Is what is shifted known to have no sign, from the line before?"""
    before = Line(s.lines[i - 1]) if i > 1 else None
    return bool(before and before.ok and before.operands and before.operands[0] == line.operands[1]
                and before.op in ('zx', 'andi', 'ext', 'dext', 'zx64'))


def instruction_mutants(s, i, line):
    regs = registers_of(s)
    fp_pool = registers_of(s, True)
    fp_pool += sorted({r for text in s.lines for r in re.findall(r'\$[fw]\d+', text)} | {'$f16', '$f17'})
    pool = regs + ['$X1', '$X2', '$X3', '$at', '$zero']
    if s.kind == 'template':
        pool += ['$cc_src', '$cc_dst']
    ops = line.operands
    whole = [o for o in range(len(ops)) if REG.fullmatch(ops[o]) and 'label' not in s.params.get(ops[o], '')
             and not s.params.get(ops[o], '').startswith(('imm', 'mask', 'nmask'))]

    # Swapped operands.
    for a in range(len(whole)):
        for b in range(a + 1, len(whole)):
            x, y = whole[a], whole[b]
            if ops[x] == ops[y] or (line.op in COMMUTATIVE and len(whole) == 3 and x and y):
                continue
            if line.op in ('beq', 'bne', 'mult', 'multu', 'beql', 'bnel'):
                continue
            if line.op in ('div', 'ddiv', 'divu', 'ddivu') and x == 0:
                continue
            new = list(ops)
            new[x], new[y] = ops[y], ops[x]
            yield Mutant(s, 'swap', i, {i: line.text(operands=new)})
    # Another register, also as a base or an index.
    for o, operand in enumerate(ops):
        for reg in REG.findall(operand):
            if 'label' in s.params.get(reg, '') or s.params.get(reg, '').startswith(('imm', 'mask', 'nmask')):
                continue
            if reg.startswith('$fcc'):
                continue
            others = [r for r in (fp_pool if is_fp(s, reg) else pool) if r != reg]
            for other in choose(others, s.title + line.text() + str(o), 3):
                new = list(ops)
                new[o] = re.sub(re.escape(reg) + r'\b', lambda _: other, operand)
                yield Mutant(s, 'register', i, {i: line.text(operands=new)})
    # Dropped extension; dropped instruction.
    if line.op in ('sx', 'zx', 'zx64', 'seb', 'seh'):
        text = line.text(op='move') if len(ops) == 2 else '#'
        yield Mutant(s, 'extension', i, {i: text})
    elif not JUMPS.match(line.op) and line.op != 'nop':
        yield Mutant(s, 'dropped', i, {i: '#'})
    # A neighbour.
    for op in neighbours(line.op):
        if op in ('sra', 'dsra', 'srav') and positive(s, i, line):
            continue
        yield Mutant(s, 'mnemonic', i, {i: line.text(op=op)})
    # Off by one.
    for o, operand in enumerate(ops):
        for new in off_by_one(s, line, operand):
            yield Mutant(s, 'immediate', i, {i: line.text(operands=ops[:o] + [new] + ops[o + 1:])})
    if line.widths:
        for widths in ('[8]', '[16]', '[32]'):
            if widths != line.widths.strip():
                yield Mutant(s, 'widths', i, {i: line.text(widths=widths + ' ')})


MEMBERS = [
    'regs[0]', 'regs[1]', 'regs[2]', 'regs[3]', 'regs[4]', 'regs[5]', 'regs[6]', 'regs[7]', 'cc_op', 'cc_dst',
    'cc_src', 'cc_src2', 'cc_res', 'icount_left', 'eip',
]


def off_by_one(s, line, operand):
    m = re.fullmatch(r'(-?\d+|0x[0-9a-f]+)(\(\$\w+(?:, ?\$\w+)?\))?', operand)
    if m:
        value, tail = int(m.group(1), 0), m.group(2) or ''
        step = 8 if tail and abs(value) >= 8 and line.op in ('ld', 'sd') else 1
        for v in (value + step, value - step):
            yield '%d%s' % (v, tail)
    elif s.params.get(operand, '').startswith('imm'):
        yield operand + '+1'
        yield operand + '-1'
    elif re.fullmatch(r'-?\$\w+[-+]\d+|\d+-\$\w+|-\$\w+', operand):
        n = re.search(r'(?<![$\w])\d+', operand)
        if n:
            yield operand[:n.start()] + str(int(n.group()) + 1) + operand[n.end():]
            if int(n.group()) > 0:
                yield operand[:n.start()] + str(int(n.group()) - 1) + operand[n.end():]
        else:
            yield operand + '+1'
    elif re.fullmatch(r'W([-+]\d+)?', operand):
        yield 'W-1' if operand != 'W-1' else 'W'
        if operand != 'W-2':
            yield 'W-2'
    elif operand.startswith('C('):
        yield 'C((%s) + 1)' % operand[2:-1]
        yield 'C((%s) ^ 1)' % operand[2:-1] if '^' not in operand else operand
    elif operand.startswith('ENV('):
        name, tail = re.match(r'ENV\(([^)]*)\)(.*)', operand).groups()
        if name in MEMBERS:
            k = MEMBERS.index(name)
            yield 'ENV(%s)%s' % (MEMBERS[k - 1 if k else 1], tail)
        else:
            yield 'ENV(%s)+4%s' % (name, tail)
    elif operand.startswith('%'):
        yield operand.replace('%lou', '%lo') if '%lou' in operand else operand.replace('%hiu', '%hi')


def record_mutants(s, i, line):
    def to(text):
        return Mutant(s, 'record', i, {i: '%srecord %s' % (line.indent, text)})

    text = line.text()
    words = line.rest.split()
    if words and words[0] in RECORDS:
        others = [OTHER_RECORD[words[0]]] + choose([r for r in RECORDS if r != words[0]], s.title + text, 2)
        for kind in sorted(set(others)):
            yield to(' '.join([kind] + words[1:]))
    elif words and words[0] == 'mod':
        yield to(' '.join(['mod', OTHER_MOD[words[1]]] + words[2:]))
        yield to('LOGIC ' + words[2].replace('res', 'dst'))
    elif words[:1] == ['dynamic']:
        yield to('dynamic nomod' if len(words) == 1 else 'dynamic')
    elif words[:1] == ['none']:
        yield to('LOGIC dst=0')
        yield to('mod CF res=0')
    if words[:1] != ['none']:
        yield to('none')
    yield Mutant(s, 'record', i, {i: '#'})
    members = [w for w in words if '=' in w]
    values = registers_of(s) + ['0', '1', '$zero', '$cc_src', '$cc_dst', '$X1']
    for k, member in enumerate(members):
        name, value = member.split('=')
        for other in choose([v for v in values if v != value], s.title + text + name, 3):
            yield Mutant(s, 'member', i, {i: text.replace(member, '%s=%s' % (name, other))})
        yield Mutant(s, 'member', i, {i: text.replace(' ' + member, '')})


ACCUMULATING = set('addu daddu subu dsubu and or xor ins dins dinsu'.split())


def same_result(a, b):
    """Either order gives the same: sums, differences, fields."""
    return a.op == b.op and a.op in ACCUMULATING and a.operands[0] == b.operands[0]


def order_mutants(s, body):
    """Two instructions one after the other, of which one depends on the other; delay slots."""
    for (i, a), (j, b) in zip(body, body[1:]):
        if any(x.op in DIRECTIVES or x.op == 'record' or x.op.endswith(':') for x in (a, b)):
            continue
        ra, wa = reads_writes(a)
        rb, wb = reads_writes(b)
        dependent = (wa & rb) or (ra & wb) or (wa & wb)
        if JUMPS.match(a.op):
            if b.op != 'nop':
                # Out of the delay slot, and none left in it.
                yield Mutant(s, 'slot', j, {j: re.match(r'\s*', s.lines[j]).group() + 'nop'})
                if dependent:
                    yield Mutant(s, 'slot', i, {i: s.lines[j], j: s.lines[i]})
            continue
        if JUMPS.match(b.op) or not dependent or same_result(a, b):
            continue
        yield Mutant(s, 'order', i, {i: s.lines[j], j: s.lines[i]})


def header_mutants(s, i, line):
    if line.op == 'fp':
        for word in line.rest.split()[1:]:
            yield Mutant(s, 'header', i, {i: line.text().replace(' ' + word, '', 1)})
    elif line.op in ('distinct', 'lanes'):
        yield Mutant(s, 'header', i, {i: '#'})
    elif line.op in ('uses', 'sets', 'temps'):
        yield Mutant(s, 'header', i, {i: '#'})
    elif line.op == 'needs' and line.rest in ('none:', 'flags:'):
        other = 'flags:' if line.rest == 'none:' else 'none:'
        yield Mutant(s, 'header', i, {i: line.indent + 'needs ' + other})


OTHER_PARAMETERS = {
    'imm5nz': ['imm5'], 'imm16s': ['imm16u', 'imm(-32769..32767)'], 'imm16u': ['imm16s', 'imm(0..65536)'],
    'imm8s': ['imm16s'], 'imm5': ['imm6'], 'mask': ['nmask'], 'nmask': ['mask'], 'r': ['rw', 'w'],
    'rw': ['r', 'w'], 'w': ['rw', 'r'], 'same': ['r'], 'carry': ['r'], 'flags': ['carry'],
    'imm(-32767..32767)': ['imm16s'], 'imm(0..0)': ['imm(0..1)'], 'imm(1..1)': ['imm(1..2)'],
    'imm(8..8)': ['imm(7..8)'], 'imm(-1..-1)': ['imm(-2..-1)'],
}
OTHER_CONDITION = {
    'b': 'be', 'ae': 'a', 'be': 'b', 'a': 'ae', 'l': 'le', 'ge': 'g', 'le': 'l', 'g': 'ge', 'z': 'le',
    'nz': 'g', 's': 'l', 'ns': 'ge', 'o': 'b', 'no': 'ae', 'p': 's', 'np': 'ns',
}


def title_mutants(s):
    head = s.lines[0]
    for name, kind in s.params.items():
        bare = name[1:]
        base, _, cls = kind.partition('.')
        if base.startswith('imm'):
            base, cls = kind, ''
        for other in OTHER_PARAMETERS.get(base, []):
            tail = '.' + cls if cls else ''
            old = r'(?<=[\s(])%s\s*:\s*%s(?=[\s,)]|$)' % (bare, re.escape(kind))
            new = re.sub(old, '%s:%s' % (bare, other + tail), head)
            if new != head and s.kind != 'snippet':
                yield Mutant(s, 'parameter', 0, {0: new})
    if s.kind in ('value', 'branch'):
        kinds, conds = s.name.rsplit('.', 1)
        for c in conds.split(','):
            if OTHER_CONDITION[c] in conds.split(','):
                continue
            yield Mutant(s, 'condition', 0, {0: head.replace(s.name, kinds + '.' + OTHER_CONDITION[c], 1)})


def mutants_of(s):
    """Each once."""
    seen = set()
    for m in all_mutants(s):
        if m.key not in seen:
            seen.add(m.key)
            yield m


def all_mutants(s):
    yield from title_mutants(s)
    body = []
    for i, text in enumerate(s.lines[1:], 1):
        line = Line(text)
        if not line.ok:
            continue
        if line.op == 'record':
            yield from record_mutants(s, i, line)
        elif line.op in DIRECTIVES:
            yield from header_mutants(s, i, line)
        elif not re.fullmatch(r'\d+:', line.op):
            yield from instruction_mutants(s, i, line)
        body.append((i, line))
    yield from order_mutants(s, body)
