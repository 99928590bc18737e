/* Register names: the project's map (templates/regmap.h). */
#include "tmplc.h"

#include <string.h>

#include "regmap.h"

static const struct {
    int number;
    const char *name;
} names[] = {
#define ENTRY(number, name) { number, #name },
    REGMAP(ENTRY)
#undef ENTRY
    { 26, "k0" }, { 27, "k1" },
};

int find_register(const char *name)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (!strcmp(names[i].name, name))
            return names[i].number;
    return -1;
}

const char *register_name(int number)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].number == number)
            return names[i].name;
    return "?";
}
