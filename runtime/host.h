/* What a test makes the host look like. */
#ifndef STITCH86_HOST_H
#define STITCH86_HOST_H

#include <stdbool.h>

/* Is the word in STITCH86_HOST, a list with commas?  mmi: no MSA; 16k: pages of 16 KiB. */
bool host_pretends(const char *word);

#endif
