/* How many host instructions run for one guest instruction while nothing rare happens: the words of the
 * ways through its code that don't leave for the out-of-line part.  What a call of a routine in the frame
 * costs is counted the same way; a call of a C function is not. */
#include "show.h"

#include <string.h>

#define MAX_REGION 4096

/* Words [start, end) that a way may go through; it has arrived at `end', or, in a routine, with `jr $ra'. */
struct region {
    const uint32_t *start, *end;
    bool routine;
    struct path *out; /* calls_c and loops are noted there */
    unsigned char state[MAX_REGION]; /* 0 new, 1 on the way, 2 done */
    struct path known[MAX_REGION];
};

static const struct path nowhere = {.min = -1, .max = -1};

static struct path either(struct path a, struct path b)
{
    if (a.min < 0)
        return b;
    if (b.min < 0)
        return a;
    return (struct path){.min = a.min < b.min ? a.min : b.min, .max = a.max > b.max ? a.max : b.max};
}

static struct path plus(struct path a, struct path b)
{
    if (a.min < 0 || b.min < 0)
        return nowhere;
    return (struct path){.min = a.min + b.min, .max = a.max + b.max};
}

static struct path steps(int n)
{
    return (struct path){.min = n, .max = n};
}

enum flow { PLAIN, BRANCH, LIKELY, ALWAYS, JUMP, CALL, CALL_C, RETURN, INDIRECT };

static enum flow flow_of(uint32_t w)
{
    unsigned op = w >> 26, rs = w >> 21 & 31, rt = w >> 16 & 31;
    switch (op) {
    case 0:
        if ((w & 0x3f) == 8)
            return rs == HREG_ra ? RETURN : INDIRECT;
        return (w & 0x3f) == 9 ? CALL_C : PLAIN;
    case 1:
        return rt == 0x11 && rs == 0 ? CALL : rt < 2 ? BRANCH : rt < 4 ? LIKELY : PLAIN;
    case 2:
        return JUMP;
    case 3:
        return CALL;
    case 4:
        return rs == rt ? ALWAYS : BRANCH;
    case 5: case 6: case 7:
        return BRANCH;
    case 0x11: /* bc1f, bc1t; MSA's bz, bnz */
        if (rs == 8)
            return rt & 2 ? LIKELY : BRANCH;
        return rs == 11 || rs == 15 || rs >= 24 ? BRANCH : PLAIN;
    case 0x14: case 0x15: case 0x16: case 0x17:
        return LIKELY;
    default:
        return PLAIN;
    }
}

const uint32_t *host_target(const uint32_t *p)
{
    switch (flow_of(*p)) {
    case BRANCH: case LIKELY: case ALWAYS:
        return p + 1 + (int16_t)*p;
    case CALL:
        if (*p >> 26 != 3)
            return p + 1 + (int16_t)*p;
        break;
    case JUMP:
        break;
    default:
        return NULL;
    }
    uintptr_t region = (uintptr_t)(p + 1) & ~(uintptr_t)0xfffffff;
    return (const uint32_t *)(region | (uintptr_t)(*p & 0x3ffffff) << 2);
}

static struct path routine_path(const uint32_t *at, struct path *out);

static struct path walk(struct region *r, const uint32_t *p)
{
    if (p == r->end && !r->routine)
        return steps(0);
    if (p < r->start || p >= r->end)
        return nowhere;
    unsigned k = (unsigned)(p - r->start);
    if (k >= MAX_REGION)
        return nowhere;
    if (r->state[k] == 1) {
        r->out->loops = true;
        return nowhere;
    }
    if (r->state[k] == 2)
        return r->known[k];
    r->state[k] = 1;
    struct path way = nowhere;
    switch (flow_of(*p)) {
    case PLAIN:
        way = plus(steps(1), walk(r, p + 1));
        break;
    case BRANCH:
        way = plus(steps(2), either(walk(r, p + 2), walk(r, host_target(p))));
        break;
    case LIKELY: /* the slot is skipped where the branch is not taken */
        way = either(plus(steps(1), walk(r, p + 2)), plus(steps(2), walk(r, host_target(p))));
        break;
    case ALWAYS:
        way = plus(steps(2), walk(r, host_target(p)));
        break;
    case JUMP: /* to another block; a routine's way out is not its way back */
        way = r->routine ? plus(steps(2), walk(r, host_target(p))) : steps(2);
        break;
    case CALL:
        way = plus(routine_path(host_target(p), r->out), plus(steps(2), walk(r, p + 2)));
        break;
    case CALL_C:
        r->out->calls_c = true;
        break;
    case RETURN:
        way = r->routine ? steps(2) : nowhere;
        break;
    case INDIRECT: /* to another block */
        way = r->routine ? nowhere : steps(2);
        break;
    }
    r->state[k] = 2;
    r->known[k] = way;
    return way;
}

static struct path routine_path(const uint32_t *at, struct path *out)
{
    static unsigned depth;
    static struct region regions[4];
    if (depth == sizeof regions / sizeof regions[0] || at < show_ctx->code || at >= show_ctx->code_first)
        return nowhere;
    struct region *r = &regions[depth++];
    memset(r, 0, sizeof *r);
    r->start = show_ctx->code;
    r->end = show_ctx->code_first;
    r->routine = true;
    r->out = out;
    struct path way = walk(r, at);
    depth--;
    return way;
}

/* Where the code of instruction i ends: the exit behind the last one is not its own. */
static void region_of_insn(const struct show_block *b, unsigned i, const uint32_t **start,
                           const uint32_t **end)
{
    *start = *end = b->out_of_line;
    for (unsigned k = 0; k < b->nparts; k++)
        if (b->parts[k].what == GEN_TRACE_INSN && b->parts[k].n == i) {
            *start = b->parts[k].start;
            if (k + 1 < b->nparts)
                *end = b->parts[k + 1].start;
        }
}

struct path path_of_insn(const struct show_block *b, unsigned i)
{
    static struct region r;
    struct path out = nowhere;
    memset(&r, 0, sizeof r);
    region_of_insn(b, i, &r.start, &r.end);
    r.out = &out;
    struct path way = walk(&r, r.start);
    out.min = way.min;
    out.max = way.max;
    return out;
}

unsigned words_of_insn(const struct show_block *b, unsigned i)
{
    const uint32_t *start, *end;
    region_of_insn(b, i, &start, &end);
    return (unsigned)(end - start);
}

unsigned words_out_of_line(const struct show_block *b, unsigned i)
{
    unsigned n = 0;
    for (unsigned k = 0; k < b->nparts; k++)
        if (b->parts[k].what == GEN_TRACE_STUB && b->parts[k].insn == i)
            n += (unsigned)((k + 1 < b->nparts ? b->parts[k + 1].start : b->end) - b->parts[k].start);
    return n;
}

bool insn_interpreted(const struct show_block *b, unsigned i)
{
    const uint32_t *start, *end;
    region_of_insn(b, i, &start, &end);
    for (const uint32_t *p = start; p < end; p++)
        if ((*p >> 26 == 3 && host_target(p) == show_ctx->thunk_interp)
            || (*p >> 26 == 2 && host_target(p) == show_ctx->thunk_end))
            return true;
    return false;
}
