/* What translator/isa.tab says about a mnemonic, all its rows together. */
#include "tmplc.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct isa_mnem {
    char name[24];
    struct isa_facts facts;
};
static struct isa_mnem *mnems;
static size_t count;

/* O S Z A P C, as bits 5..0. */
unsigned flag_letters(const char *s)
{
    static const char letters[] = "CPAZSO";
    unsigned mask = 0;

    for (; isalpha((unsigned char)*s); s++) {
        const char *l = strchr(letters, *s);
        if (l)
            mask |= 1u << (l - letters);
    }
    return mask;
}

static struct isa_facts *find(const char *name, bool add)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(mnems[i].name, name))
            return &mnems[i].facts;
    if (!add)
        return NULL;
    mnems = realloc(mnems, (count + 1) * sizeof(*mnems));
    if (!mnems)
        exit(1);
    memset(&mnems[count], 0, sizeof(mnems[count]));
    snprintf(mnems[count].name, sizeof(mnems[count].name), "%s", name);
    return &mnems[count++].facts;
}

void isa_load(const char *file)
{
    FILE *f = fopen(file, "r");
    char buf[512];

    if (!f) {
        fprintf(stderr, "tmplc: cannot read %s\n", file);
        exit(1);
    }
    while (fgets(buf, sizeof(buf), f)) {
        char *hash = strchr(buf, '#'), *save = NULL;
        if (hash)
            *hash = 0;
        char *opcode = strtok_r(buf, " \t\n", &save);
        char *mnem = opcode ? strtok_r(NULL, " \t\n", &save) : NULL;
        if (!mnem)
            continue;
        struct isa_facts *m = find(mnem, true);
        unsigned operands = 0;
        bool first = true;
        for (char *word; (word = strtok_r(NULL, " \t\n", &save)); first = false) {
            bool upper = isupper((unsigned char)word[0]) || isdigit((unsigned char)word[0]);
            if (first && (upper || strchr(word, ','))) {
                operands = 1;
                for (const char *c = word; *c; c++)
                    operands += *c == ',';
            } else if (first && !strncmp(word, "eA", 2)) {
                operands = 1;
            } else if (!strncmp(word, "r=", 2)) {
                m->read |= flag_letters(word + 2);
            } else if (!strncmp(word, "w=", 2)) {
                m->written |= flag_letters(word + 2);
            } else if (!strncmp(word, "u=", 2)) {
                m->undefined |= flag_letters(word + 2);
            }
        }
        m->counts |= 1u << operands;
    }
    fclose(f);
}

bool isa_loaded(void)
{
    return count != 0;
}

const struct isa_facts *isa_find(const char *mnem)
{
    char upper[64];
    size_t i;

    for (i = 0; mnem[i] && i < sizeof(upper) - 1; i++)
        upper[i] = (char)toupper((unsigned char)mnem[i]);
    upper[i] = 0;
    return find(upper, false);
}
