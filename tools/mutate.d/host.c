/* The server that runs mutants: numbers on standard input, a line `number result' for each on standard
 * output: 0 survived, else the test that failed; 100 + the signal that ended it; 99 no such mutant.  Each
 * runs in a process of its own, forked from one that has everything loaded. */
#include "config.h"
#include "mutant.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CPU_SECONDS = 120, WALL_SECONDS = 1200 };

const uint16_t *mutated_mnem;
unsigned mutated_mnems, mutated_cond_first, mutated_cond_count;
enum mutant_group mutated_group;

/* Tables are constant to everybody else. */
static void *writable(const void *p, size_t n)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = (uintptr_t)p & -page;
    if (mprotect((void *)from, (uintptr_t)p + n - from, PROT_READ | PROT_WRITE))
        abort();
    return (void *)(uintptr_t)p;
}

void mutant_rows(const struct tmpl *rows, unsigned n, const struct tmpl_range *index, const uint16_t *mnems,
                 unsigned n_mnems)
{
    memcpy(writable(&tmpl_table[mutant_original_rows], n * sizeof *rows), rows, n * sizeof *rows);
    for (unsigned i = 0; i < n_mnems; i++) {
        struct tmpl_range *to = writable(&tmpl_index[mnems[i]], sizeof *to);
        to->first = (uint16_t)(mutant_original_rows + index[mnems[i]].first);
        to->count = index[mnems[i]].count;
    }
    mutated_mnem = mnems;
    mutated_mnems = n_mnems;
}

void mutant_cond_rows(const struct tmpl_cond *rows, unsigned n,
                      const struct tmpl_range index[2][TMPL_COND_RECORDS][16])
{
    memcpy(writable(&tmpl_cond_table[mutant_original_cond_rows], n * sizeof *rows), rows, n * sizeof *rows);
    for (unsigned type = 0; type < 2; type++)
        for (unsigned r = 0; r < TMPL_COND_RECORDS; r++)
            for (unsigned c = 0; c < 16; c++)
                if (index[type][r][c].count) {
                    struct tmpl_range *to = writable(&tmpl_cond_index[type][r][c], sizeof *to);
                    to->first = (uint16_t)(mutant_original_cond_rows + index[type][r][c].first);
                    to->count = index[type][r][c].count;
                }
    mutated_cond_first = mutant_original_cond_rows;
    mutated_cond_count = n;
}

static void child(unsigned id)
{
    struct rlimit cpu = {CPU_SECONDS, CPU_SECONDS + 1}, core = {0, 0};
    if (!getenv("MUTANT_VERBOSE")) {
        int null = open("/dev/null", O_RDWR);
        dup2(null, 0);
        dup2(null, 1);
        dup2(null, 2);
    }
    setrlimit(RLIMIT_CPU, &cpu);
    setrlimit(RLIMIT_CORE, &core);
    for (unsigned i = 0; i < mutant_count; i++)
        if (mutants[i].id == id) {
            mutants[i].apply();
            _exit(tests_run());
        }
    _exit(id ? 99 : tests_run()); /* 0: the original */
}

int main(void)
{
    unsigned id;
    tests_prepare();
    while (scanf("%u", &id) == 1) {
        int status, result = 0;
        fflush(NULL);
        pid_t pid = fork();
        if (pid == 0)
            child(id);
        for (unsigned ms = 0; pid > 0 && waitpid(pid, &status, WNOHANG) == 0; ms += 2) {
            if (ms > WALL_SECONDS * 1000u)
                kill(pid, SIGKILL);
            usleep(2000);
        }
        result = pid < 0 ? 98 : WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
        printf("%u %d\n", id, result);
        fflush(stdout);
    }
    return 0;
}
