#include <stdio.h>

#include "config.h"
#include "cpuid.h"
#include "log.h"
#include "optimise.h"
#include "options.h"
#include "vm.h"

int main(int argc, char **argv)
{
    static struct options options;
    char *error;
    if (!options_parse(&options, argc, argv, &error))
        user_error("%s", error);
    switch (options.action) {
    case ACTION_HELP:
        options_help(stdout);
        return 0;
    case ACTION_VERSION:
        puts(PACKAGE_STRING);
        return 0;
    case ACTION_CPU_HELP:
        cpu_model_list(stdout);
        return 0;
    case ACTION_OPTIMISE_HELP:
        optimise_help(stdout);
        return 0;
    case ACTION_LOG_HELP:
        log_help(stdout);
        return 0;
    case ACTION_RUN:
        break;
    }
    return vm_run(&options);
}
