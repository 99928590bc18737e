/* What the translator makes of given guest code, for people and for tests/ledger/: the translator is built a
 * second time, with TMPL_TRACE, on any machine; its code is looked at and never run. */
#ifndef TMPLSHOW_SHOW_H
#define TMPLSHOW_SHOW_H

#include <stdio.h>

#include "gen.h"

#define SHOW_MAX_BYTES 1024
#define SHOW_MAX_HOSTS 8

/* ---- world.c: a vCPU in flat 32-bit protected mode at CPL 0 ---- */
extern struct tb_context *show_ctx;
/* Hosts that templates tell apart, the least first: every Loongson-3 has MMI. */
struct show_host {
    const char *name;
    unsigned features; /* TMPL_HOST_* */
};
extern const struct show_host show_hosts[];
extern const unsigned show_host_count;

void world_init(void);
void world_set_gs(uint32_t base);  /* 4 GiB from there */
void world_set_x87(unsigned values); /* how many are on the stack */
/* ---- trace.c: where words come from ---- */
struct show_span {
    const uint32_t *p; /* where the emitter wrote; words may have been copied from there */
    unsigned words;
    uint32_t word[16];
    const char *title, *file;
    int line;
};
/* Code from `start' up to the next part's. */
struct show_part {
    const uint32_t *start;
    enum gen_trace what;
    unsigned n;    /* instruction, or stub */
    unsigned insn; /* a stub's instruction */
    unsigned kind; /* enum stub_kind */
};
struct show_block {
    const struct show_host *host;
    const uint32_t *code, *out_of_line, *end;
    uint32_t eip;
    unsigned n;
    struct insn insns[TB_MAX_INSNS];
    uint32_t eips[TB_MAX_INSNS + 1];
    uint8_t bytes[SHOW_MAX_BYTES];
    const struct show_part *parts;
    unsigned nparts;
};
/* world.c: a block of these instructions, or as many of them as one holds (b->n); false if there can be
 * none.  It is good until the next call. */
bool world_block(const uint8_t *bytes, unsigned n, uint32_t eip, const struct show_host *host,
                 struct show_block *b);

void trace_clear(bool all); /* all: of the frame, too */
void trace_keep(void);      /* what was traced up to now is the frame */
const struct show_part *trace_parts(unsigned *n);
/* The span that the word is of; *first: it begins there.  NULL: none. */
const struct show_span *trace_find(const uint32_t *p, bool *first);
/* "quick_ld_32" for an address in the frame, NULL elsewhere. */
const char *trace_symbol(const uint32_t *p);

/* ---- path.c: how many instructions run ---- */
struct path {
    int min, max; /* over the ways that stay in line; -1: there is none */
    bool calls_c;
    bool loops;
};
/* Instruction i of the block, TLB hit, nothing rare. */
struct path path_of_insn(const struct show_block *b, unsigned i);
unsigned words_of_insn(const struct show_block *b, unsigned i);
unsigned words_out_of_line(const struct show_block *b, unsigned i);
bool insn_interpreted(const struct show_block *b, unsigned i);
/* Where the word branches, jumps or calls to; NULL if it does not, or by a register. */
const uint32_t *host_target(const uint32_t *p);

/* ---- listing.c ---- */
/* Guest instructions and the host's.  For people (sources): file and line of each stanza and what stands
 * out of line, but no exit behind the last one. */
void listing_block(FILE *f, const struct show_block *b, unsigned count, bool sources);
/* The same for all blocks that the bytes make, one after the other; count: guest instructions that are
 * shown.  NULL if they are no instructions.  To be freed. */
char *listing_text(const uint8_t *bytes, unsigned n, uint32_t eip, const struct show_host *host,
                   unsigned count, bool sources);
char *insn_text(const struct show_block *b, unsigned i, char *buf, size_t size);

/* ---- members.c ---- */
/* "regs[0]" for an offset in CPUX86State, NULL where nothing begins. */
const char *env_member(int offset);

/* ---- commands ---- */
int command_show(const uint8_t *bytes, unsigned n, uint32_t eip);
int command_block(const char *file);
int command_limits(const char *file);
int command_list(void);
/* "8b 06" to bytes; the number of them, -1 if it is something else. */
int parse_hex(const char *text, uint8_t *bytes, unsigned max);

#endif
