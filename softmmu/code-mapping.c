/* What a page of code is mapped to, without side effects: for links between blocks, which hold as long as that
 * does not change. */
#include "mmu-internal.h"

bool mmu_code_mapping(CPUX86State *env, uint32_t vaddr, bool user, struct mmu_large *large, hwaddr *page, bool *global)
{
    struct walk_result w;
    vaddr &= TARGET_PAGE_MASK;
    if (large->size && (vaddr & ~(large->size - 1)) == large->vaddr && large->user == user) {
        *page = large->paddr + (vaddr - large->vaddr);
        *global = large->global;
        return true;
    }
    if (page_walk(env, vaddr, MMU_INST_FETCH, user ? MMU_USER_IDX : MMU_KNOSMAP_IDX, false, &w) != WALK_OK || !w.accessed)
        return false;
    *page = w.paddr & ~(hwaddr)(TARGET_PAGE_SIZE - 1);
    *global = w.global;
    mmu_note_large(env->mmu, vaddr, w.page_size);
    if (w.page_size > TARGET_PAGE_SIZE && env->a20_mask == UINT32_MAX) {
        large->size = w.page_size;
        large->vaddr = vaddr & ~(w.page_size - 1);
        large->paddr = *page - (vaddr - large->vaddr);
        large->global = w.global;
        large->user = user;
    }
    return true;
}
