/* Errors that the caller tells of, or does not. */
#ifndef STITCH86_ERROR_TEXT_H
#define STITCH86_ERROR_TEXT_H

#include <stdbool.h>

/* *error becomes the text, to be freed.  Returns false. */
bool error_set(char **error, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
