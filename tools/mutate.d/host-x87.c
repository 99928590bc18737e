/* check_fpu_templates: what fails there ends the process. */
#define main check_fpu_templates_main
#include "check_fpu_templates.c"
#undef main
#include "host-cross.h"

void x87_run(void)
{
    pairs->fn(0);
    random_sequences->fn(0);
}
