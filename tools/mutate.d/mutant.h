/* Mutants of templates, many in one program: each has a function that puts it in the place of the original,
 * called in a process of its own. */
#ifndef STITCH86_MUTANT_H
#define STITCH86_MUTANT_H

#include "tmpl.h"

/* Generated. */
struct mutant {
    unsigned id;
    void (*apply)(void);
};
extern const struct mutant mutants[];
extern const unsigned mutant_count;
extern const unsigned mutant_original_rows, mutant_original_cond_rows; /* before the spare ones */

/* What an apply function does: rows of all stanzas of the mutated one's mnemonic, or of its conditions. */
void mutant_rows(const struct tmpl *rows, unsigned n, const struct tmpl_range *index, const uint16_t *mnems,
                 unsigned n_mnems);
void mutant_cond_rows(const struct tmpl_cond *rows, unsigned n,
                      const struct tmpl_range index[2][TMPL_COND_RECORDS][16]);

/* What is mutated: mnemonics, rows of tmpl_cond_table, or else a snippet. */
extern const uint16_t *mutated_mnem;
extern unsigned mutated_mnems;
extern unsigned mutated_cond_first, mutated_cond_count;
/* Whose instructions notice a wrong snippet: a condition's are integers. */
enum mutant_group { GROUP_INTEGER, GROUP_X87, GROUP_SIMD };
extern enum mutant_group mutated_group;
enum mutant_group mnem_group(unsigned mnem);

/* The tests of one host.  The number of the test that failed, or 0. */
void tests_prepare(void);
int tests_run(void);
enum { FAILED_INSN = 1, FAILED_COND, FAILED_VECTORS, FAILED_RANDOM, FAILED_BLOCKS,
       FAILED_SNIPPETS, FAILED_X87 };

#endif
