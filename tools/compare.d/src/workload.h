/* A multi-call program of workloads: PROGRAM NAME COUNT runs one of its rows and prints what it computed. */
#ifndef WORKLOAD_H
#define WORKLOAD_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct workload {
    const char *name;
    void (*run)(unsigned count);
};

/* Numbers that are the same everywhere: the high bits of a 64-bit linear congruential generator. */
static inline uint32_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 32);
}

static inline uint32_t mix(uint32_t sum, uint32_t value)
{
    return sum * 31 + value;
}

static inline void result(const char *name, uint32_t sum)
{
    printf("%s %08x\n", name, (unsigned)sum);
}

static inline void *allocate(size_t size)
{
    void *p = malloc(size);
    if (!p) {
        perror("malloc");
        exit(1);
    }
    return p;
}

static inline int workload_main(int argc, char **argv, const struct workload *list)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s NAME COUNT\n", argv[0]);
        return 2;
    }
    for (const struct workload *w = list; w->name; w++)
        if (strcmp(w->name, argv[1]) == 0) {
            w->run((unsigned)strtoul(argv[2], NULL, 0));
            return 0;
        }
    fprintf(stderr, "%s: no workload %s\n", argv[0], argv[1]);
    return 2;
}

#endif
