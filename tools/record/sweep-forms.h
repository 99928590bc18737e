/* Which sweeps a form gets. */
#ifndef STITCH86_RECORD_SWEEP_FORMS_H
#define STITCH86_RECORD_SWEEP_FORMS_H

#include "record.h"

/* Call run for each sweep of the form; not at all for forms without floating point. */
void sweeps_of_form(const struct form *f, void (*run)(const struct sweep *));

#endif
