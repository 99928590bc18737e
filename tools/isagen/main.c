/*   isagen isa.tab --header   enums and declarations (isa-gen.h)
 *   isagen isa.tab --tables   the tables (isa-gen.c)
 *   isagen isa.tab --forms    one line for each form, tab separated, for test tools */
#include "isagen.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: isagen isa.tab --header|--tables|--forms\n");
        return 1;
    }
    read_table(argv[1]);
    if (strcmp(argv[2], "--header") == 0)
        print_header();
    else if (strcmp(argv[2], "--tables") == 0)
        print_tables();
    else if (strcmp(argv[2], "--forms") == 0)
        print_forms();
    else
        die("unknown option %s", argv[2]);
    if (fflush(stdout) != 0 || ferror(stdout))
        die("write error");
    return 0;
}
