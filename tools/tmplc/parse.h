/* Between the parts of the parser. */
#ifndef STITCH86_TMPLC_PARSE_H
#define STITCH86_TMPLC_PARSE_H

#include "scan.h"
#include "tmplc.h"

/* The line that is being parsed. */
extern const char *file;
extern int line_number;

/* The first error of a line only: others tend to follow from it. */
void error(const char *fmt, const char *arg);
/* A stanza from the rest of its first line, at the end of the list. */
struct stanza *new_stanza(enum stanza_kind kind);
/* `open', `distinct', `frame': in the header or on a line of their own. */
bool parse_attribute(struct stanza *s);

#endif
