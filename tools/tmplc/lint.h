/* tmplc --lint: what is right, but could be better. */
#ifndef TMPLC_LINT_H
#define TMPLC_LINT_H

#include "tmplc.h"

/* lint.c: columns, blanks, comments of one file. */
void lint_layout(const char *file);
/* lint-words.c: words that can be saved or are spelt in a roundabout way; equal snippets. */
void lint_words(struct variant **all, int n);
/* lint-choice.c: stanzas that no operands choose, or that are shorter than the one that is. */
void lint_choices(struct variant **all, int n);
/* Reports unless `# lint: ok REASON' stands in the line or in the one before. */
void lint(const char *file, int line, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
