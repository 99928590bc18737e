/* The opcode space.  Every row is first spread over a flat table [map][prefix][opcode][ModRM]; a cell
 * claimed twice by rows of equal rank is refused.  A row that names a mandatory prefix
 * outranks one that names none.  The flat table is then folded into what decode.c walks: one
 * entry for each opcode, which is a form, or a group of 16 (mod == 3, reg), or further 8 by rm. */
#include "isagen.h"

#include <string.h>

static uint16_t flat[2][4][256][256];
static bool flat_specific[2][4][256][256];

uint16_t groups[MAX_GROUPS][16], rms[MAX_RMS][8];
unsigned n_groups, n_rms;

void spread(unsigned n)
{
    const struct form *f = &forms[n];
    bool specific = f->pfx != PFX_ANY;
    for (int p = 0; p < 4; p++) {
        if (specific && p != f->pfx)
            continue;
        for (int o = f->opcode; o < f->opcode + f->span; o++)
            for (int m = 0; m < 256; m++) {
                uint16_t *cell = &flat[f->map][p][o][m];
                bool *rank = &flat_specific[f->map][p][o][m];
                if (f->modrm && ((f->mod == 'm' && m >= 0xc0) || (f->mod == 'r' && m < 0xc0)
                                 || (f->reg >= 0 && (m >> 3 & 7) != f->reg)
                                 || (f->rm >= 0 && (m & 7) != f->rm)))
                    continue;
                if (*cell && *rank == specific)
                    die("%s is %s already (ModRM %02X)", f->opcode_text, forms[*cell].name, (unsigned)m);
                if (*cell && *rank)
                    continue;
                *cell = (uint16_t)n;
                *rank = specific;
            }
    }
}

static uint16_t intern_rm(const uint16_t *row)
{
    unsigned i;
    for (i = 0; i < n_rms && memcmp(rms[i], row, sizeof(rms[i])) != 0; i++)
        ;
    if (i == MAX_RMS)
        die("too many groups by rm");
    if (i == n_rms)
        memcpy(rms[n_rms++], row, sizeof(rms[i]));
    return (uint16_t)(0x8000 | i);
}

uint16_t fold_opcode(unsigned map, unsigned prefix, unsigned opcode)
{
    const uint16_t *cells = flat[map][prefix][opcode];
    uint16_t group[16];
    bool all_same = true;
    for (int m = 1; m < 256; m++)
        all_same &= cells[m] == cells[0];
    if (all_same)
        return cells[0];
    for (int reg = 0; reg < 8; reg++) {
        group[reg] = cells[reg << 3];
        const uint16_t *direct = &cells[0xc0 | reg << 3];
        bool same = true;
        for (int rm = 1; rm < 8; rm++)
            same &= direct[rm] == direct[0];
        group[8 + reg] = same ? direct[0] : intern_rm(direct);
    }
    unsigned i;
    for (i = 0; i < n_groups && memcmp(groups[i], group, sizeof(group)) != 0; i++)
        ;
    if (i == n_groups) {
        if (n_groups == MAX_GROUPS)
            die("too many groups");
        memcpy(groups[n_groups++], group, sizeof(group));
    }
    return (uint16_t)(0x4000 | i);
}
