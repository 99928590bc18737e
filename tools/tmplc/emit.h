/* Shared by the parts that write C. */
#ifndef STITCH86_TMPLC_EMIT_H
#define STITCH86_TMPLC_EMIT_H

#include "tmplc.h"

void put(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void own_line(void);
void begin(FILE *f, const char *name);
void put_word(const struct variant *v, int i, enum style style);
void put_trace(const struct variant *v);
void put_checks(const struct variant *v, enum style style);

#endif
