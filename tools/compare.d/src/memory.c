/* Workloads that go through memory: pointers, copies, strings, sorting, allocation. */
#include "workload.h"

/* One cycle through all nodes in an order without a pattern, STEP bytes from one node's place to the next. */
static uint32_t chase(unsigned nodes, size_t step, unsigned steps)
{
    char *area = allocate(nodes * step);
    uint32_t *order = allocate(nodes * sizeof *order);
    uint64_t seed = 3;
    for (uint32_t i = 0; i < nodes; i++)
        order[i] = i;
    for (uint32_t i = nodes - 1; i > 0; i--) {
        uint32_t j = next_random(&seed) % (i + 1), t = order[i];
        order[i] = order[j];
        order[j] = t;
    }
    /* Each node is at another place of its step, so that they don't share one set of the cache. */
    struct node {
        struct node *next;
        uint32_t value;
    };
#define NODE(i) ((struct node *)(area + (size_t)(i)*step + (size_t)(i) * 64 % (step / 2)))
    for (uint32_t i = 0; i < nodes; i++) {
        struct node *n = NODE(order[i]);
        n->next = NODE(order[(i + 1) % nodes]);
        n->value = order[i];
    }
    const struct node *n = NODE(order[0]);
    uint32_t sum = 0;
    for (unsigned i = 0; i < steps; i++) {
        sum = mix(sum, n->value);
        n = n->next;
    }
    free(order);
    free(area);
    return sum;
}

/* 64 KB: within the reach of a first-level TLB. */
static void run_chase_s(unsigned steps)
{
    result("chase_s", chase(1024, 64, steps));
}

/* 32 MB, a page for each step: beyond any TLB's reach. */
static void run_chase_b(unsigned steps)
{
    result("chase_b", chase(8192, 4096, steps));
}

static int compare_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void run_qsort(unsigned rounds)
{
    enum { N = 20000 };
    static uint32_t v[N];
    uint64_t seed = 4;
    uint32_t sum = 0;
    for (unsigned r = 0; r < rounds; r++) {
        for (unsigned i = 0; i < N; i++)
            v[i] = next_random(&seed);
        qsort(v, N, sizeof *v, compare_u32);
        for (unsigned i = 0; i < N; i += 64)
            sum = mix(sum, v[i]);
    }
    result("qsort", sum);
}

/* Blocks of 16 KB and of 1 MB by turns. */
static void run_memcpy(unsigned rounds)
{
    enum { BIG = 1 << 20, SMALL = 16384 };
    char *a = allocate(BIG), *b = allocate(BIG);
    for (unsigned i = 0; i < BIG; i++)
        a[i] = (char)(i * 7 >> 3);
    for (unsigned r = 0; r < rounds; r++) {
        memcpy(b, a, BIG);
        for (unsigned i = 0; i + SMALL <= BIG; i += SMALL)
            memcpy(a + i, b + (i + SMALL) % BIG, SMALL);
        memmove(b + 1, b, BIG - 1);
        memset(b + r % SMALL, (int)r, SMALL);
    }
    uint32_t sum = 0;
    for (unsigned i = 0; i < BIG; i += 97)
        sum = mix(sum, (uint8_t)a[i] + (uint32_t)(uint8_t)b[i] * 256);
    result("memcpy", sum);
}

/* Copies of 1 to 60 bytes, the commonest kind in programs. */
static void run_memsmall(unsigned rounds)
{
    static char a[4096], b[4096];
    uint64_t seed = 5;
    uint32_t sum = 0;
    for (unsigned i = 0; i < sizeof a; i++)
        a[i] = (char)i;
    for (unsigned r = 0; r < rounds; r++) {
        uint32_t x = next_random(&seed), size = 1 + x % 60, from = (x >> 8) % 4000, to = (x >> 20) % 4000;
        memcpy(b + to, a + from, size);
        sum += memcmp(b + from, a + from, size) == 0;
    }
    result("memsmall", sum);
}

static void run_strops(unsigned rounds)
{
    static const char *const words[] = {"alpha", "be", "gamma-ray", "delta", "epsilon", "of", "the", "omega"};
    static char text[4096], part[64];
    uint64_t seed = 6;
    uint32_t sum = 0;
    for (unsigned r = 0; r < rounds; r++) {
        text[0] = 0;
        char *end = text;
        while (end < text + 600) {
            strcpy(end, words[next_random(&seed) % 8]);
            end += strlen(end);
            *end++ = ' ';
            *end = 0;
        }
        for (unsigned i = 0; i < 8; i++) {
            char *p = strstr(text, words[i]);
            sum = mix(sum, p ? (uint32_t)(p - text) : 0);
        }
        for (char *p = text, *q; (q = strchr(p, ' ')) != NULL; p = q + 1) {
            size_t n = (size_t)(q - p);
            memcpy(part, p, n);
            part[n] = 0;
            for (unsigned i = 0; i < 8; i++)
                if (strcmp(part, words[i]) == 0)
                    sum = mix(sum, i);
        }
        sum = mix(sum, (uint32_t)strlen(text));
    }
    result("strops", sum);
}

/* A binary tree that grows and shrinks, with strings of all sizes in it. */
struct tree {
    struct tree *kid[2];
    uint32_t key;
    char *text;
};

static void tree_free(struct tree *t)
{
    if (!t)
        return;
    tree_free(t->kid[0]);
    tree_free(t->kid[1]);
    free(t->text);
    free(t);
}

static void run_malloc(unsigned rounds)
{
    uint64_t seed = 7;
    uint32_t sum = 0;
    for (unsigned r = 0; r < rounds; r++) {
        struct tree *root = NULL;
        unsigned nodes = 0;
        for (unsigned i = 0; i < 3000; i++) {
            uint32_t key = next_random(&seed) % 5000;
            struct tree **t = &root;
            while (*t && (*t)->key != key)
                t = &(*t)->kid[key > (*t)->key];
            if (*t) {
                free((*t)->text);
            } else {
                *t = allocate(sizeof **t);
                memset(*t, 0, sizeof **t);
                (*t)->key = key;
                nodes++;
            }
            size_t size = 8 + key % 200;
            (*t)->text = allocate(size);
            (*t)->text[0] = (char)i;
            (*t)->text[size - 1] = 0;
        }
        sum = mix(sum, nodes);
        tree_free(root);
    }
    result("malloc", sum);
}

int main(int argc, char **argv)
{
    static const struct workload list[] = {
        {"chase_s", run_chase_s}, {"chase_b", run_chase_b}, {"qsort", run_qsort}, {"memcpy", run_memcpy},
        {"memsmall", run_memsmall}, {"strops", run_strops}, {"malloc", run_malloc}, {0},
    };
    return workload_main(argc, argv, list);
}
