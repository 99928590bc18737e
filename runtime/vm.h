/* A whole virtual machine: what the command line asked for, put together. */
#ifndef STITCH86_VM_H
#define STITCH86_VM_H

#include "options.h"

/* Build, boot and run it.  Returns the exit status; errors of the user end in user_error(). */
int vm_run(const struct options *o);

#endif
