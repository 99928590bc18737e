/* The input of compressors and filters: SIZE bytes of lines of words on stdout, the same on every machine.
 * usage: text SIZE
 *
 * Words are drawn as in a language: a few are very common, and each is likelier after some words than after
 * others, so the text compresses about as English does. */
#include "workload.h"

enum { WORDS = 4000 };

static char words[WORDS][12];

static void make_words(uint64_t *seed)
{
    static const char *const parts[] = {
        "an", "be", "con", "de", "er", "fi", "ga", "hu", "in", "ju", "ka", "lo", "me",
        "ni", "or", "pa", "qui", "re", "st", "ta", "un", "ver", "wi", "ex", "y", "tion",
    };
    for (int i = 0; i < WORDS; i++) {
        unsigned n = 1 + next_random(seed) % (i < 100 ? 2 : 3);
        while (n--)
            strcat(words[i], parts[next_random(seed) % (sizeof parts / sizeof *parts)]);
    }
}

int main(int argc, char **argv)
{
    uint64_t seed = 8;
    size_t size = argc == 2 ? strtoul(argv[1], NULL, 0) : 0, at = 0, column = 0;
    if (!size) {
        fprintf(stderr, "usage: text SIZE\n");
        return 2;
    }
    char *text = allocate(size + 64);
    make_words(&seed);
    for (unsigned word = 0; at < size;) {
        uint32_t r = next_random(&seed), top = WORDS;
        /* Each halving makes the common words twice as likely. */
        for (uint32_t bits = r; bits & 1 && top > 16; bits >>= 1)
            top /= 2;
        word = (r >> 8) % 4 == 0 ? (word * 7 + 1 + r % 3) % WORDS : (r >> 10) % top;
        if (r >> 26 == 5)
            at += (size_t)sprintf(text + at, "%u", (r >> 4) % 100000);
        else
            at += (size_t)sprintf(text + at, "%s", words[word]);
        column++;
        text[at++] = column % 12 == 0 ? '\n' : (r >> 24) % 16 == 3 ? ',' : ' ';
    }
    text[size - 1] = '\n';
    return fwrite(text, 1, size, stdout) != size || fflush(stdout) != 0;
}
