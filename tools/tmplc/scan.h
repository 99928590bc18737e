/* A cursor over a line. */
#ifndef STITCH86_TMPLC_SCAN_H
#define STITCH86_TMPLC_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

extern const char *cur;

void skip(void);
/* Is nothing but spaces left? */
bool end(void);
/* Past the token, if it comes next; a word only as a whole. */
bool accept(const char *token);
size_t name_length(const char *s);
/* A name; "" when there is none. */
const char *word(void);
bool number(int64_t *n);

#endif
