#include "scan.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

const char *cur;

void skip(void)
{
    while (*cur == ' ' || *cur == '\t')
        cur++;
}

bool end(void)
{
    skip();
    return !*cur;
}

bool accept(const char *token)
{
    size_t n = strlen(token);
    skip();
    if (strncmp(cur, token, n))
        return false;
    if (isalnum((unsigned char)token[n - 1]) && (isalnum((unsigned char)cur[n]) || cur[n] == '_'))
        return false;
    cur += n;
    return true;
}

size_t name_length(const char *s)
{
    size_t n = 0;
    while (isalnum((unsigned char)s[n]) || s[n] == '_')
        n++;
    return n;
}

const char *word(void)
{
    static char buf[64];
    size_t n = 0;

    skip();
    while ((isalnum((unsigned char)*cur) || *cur == '_') && n < sizeof(buf) - 1)
        buf[n++] = *cur++;
    buf[n] = 0;
    return buf;
}

bool number(int64_t *n)
{
    char *stop;

    skip();
    *n = strtoll(cur, &stop, 0);
    if (stop == cur)
        return false;
    cur = stop;
    return true;
}
