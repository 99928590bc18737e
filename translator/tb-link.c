/* Links from a block's exits to the blocks they go to.
 *
 * Within a page a link holds as long as both blocks do: whoever got to the one may go to the other.  A link
 * to another page holds only while that page is mapped as it was when the link was made.  Pages that blocks
 * link to are numbered (struct link_page), and there are two kinds of such exits:
 *
 * - Exits of pages that are mapped global, as a kernel's are, are plain jumps.  INVLPG and full flushes
 *   look at once whether the pages they lead to are still what they were, and unlink them otherwise.
 *   The accessed bits must be set as well, since the next fetch would set them.
 * - Other exits test the page's guard, a byte in the vCPU state, before they jump.  Flushes clear guards, and
 *   control that comes from C into a block of the page sets its guard again: so a change of CR3 costs a store for each
 *   page that was in use, and links outlive it. */
#include "tb-context.h"

#include <string.h>

#include "mips-patch.h"
#include "tmpl-gen.h"

#define NO_LINK_PAGE (-1)

static bool is_user(uint32_t flags)
{
    return (flags & HF_CPL_MASK) == 3;
}

static uint32_t slot_of(uint32_t vpn, bool user)
{
    return (vpn * 2 + user) * 0x9e3779b9u >> (32 - LINK_HASH_BITS);
}

static int find_page(const struct tb_context *ctx, uint32_t vpn, bool user, uint32_t *slot)
{
    uint32_t h = slot_of(vpn, user);
    for (; ctx->link_hash[h]; h = (h + 1) & (LINK_HASH_SIZE - 1)) {
        int id = ctx->link_hash[h] - 1;
        if (ctx->link_pages[id].vpn == vpn && ctx->link_pages[id].user == user)
            return id;
    }
    *slot = h;
    return NO_LINK_PAGE;
}

int tb_link_page(struct tb_context *ctx, uint32_t linear, uint32_t flags)
{
    uint32_t vpn = linear >> TARGET_PAGE_BITS, slot;
    int id = find_page(ctx, vpn, is_user(flags), &slot);
    if (id == NO_LINK_PAGE && ctx->nlink_pages < PAGE_GUARDS) {
        id = (int)ctx->nlink_pages++;
        ctx->link_pages[id] = (struct link_page){.vpn = vpn, .user = is_user(flags), .phys = TB_NO_PAGE};
        ctx->link_hash[slot] = (uint16_t)(id + 1);
    }
    return id;
}

static void drop_page(struct tb_context *ctx, struct link_page *lp)
{
    if (lp->phys != TB_NO_PAGE)
        tb_unlink_crossing(ctx, lp->phys, lp->vpn, lp->user);
}

void tb_page_seen(struct tb_context *ctx, const TranslationBlock *tb)
{
    uint32_t slot;
    int id = find_page(ctx, (tb->eip + tb->cs_base) >> TARGET_PAGE_BITS, is_user(tb->flags), &slot);
    if (id == NO_LINK_PAGE || ctx->env->page_guard[id])
        return;
    struct link_page *lp = &ctx->link_pages[id];
    hwaddr phys = tb->phys_pc & ~(hwaddr)(TARGET_PAGE_SIZE - 1);
    if (lp->phys != phys) {
        drop_page(ctx, lp);
        lp->phys = phys;
    }
    ctx->env->page_guard[id] = 1;
    if (!lp->listed) {
        lp->listed = true;
        ctx->open_guards[ctx->nopen_guards++] = (uint16_t)id;
    }
}

void tb_links_clear(struct tb_context *ctx)
{
    memset(ctx->env->page_guard, 0, sizeof ctx->env->page_guard);
    memset(ctx->link_hash, 0, sizeof ctx->link_hash);
    ctx->nlink_pages = ctx->nopen_guards = ctx->nglobal_links = 0;
}

/* ---- flushes ---- */

/* Keep the page's plain jumps if it is what it was.  True: they are kept. */
static bool check_global(struct tb_context *ctx, struct link_page *lp, struct mmu_large *large)
{
    hwaddr page;
    bool global;
    if (mmu_code_mapping(ctx->env, lp->vpn << TARGET_PAGE_BITS, lp->user, large, &page, &global) && global
        && page == lp->phys)
        return true;
    drop_page(ctx, lp);
    lp->global = false;
    return false;
}

static void flush_one(struct tb_context *ctx, uint32_t vpn, bool user)
{
    uint32_t slot;
    int id = find_page(ctx, vpn, user, &slot);
    if (id == NO_LINK_PAGE)
        return;
    struct mmu_large large = {0};
    ctx->env->page_guard[id] = 0;
    /* It stays in global_links: one that is not global there is passed over. */
    if (ctx->link_pages[id].global)
        check_global(ctx, &ctx->link_pages[id], &large);
}

void tb_links_flushed(struct tb_context *ctx, bool page, uint32_t vaddr, bool global)
{
    if (page) {
        flush_one(ctx, vaddr >> TARGET_PAGE_BITS, false);
        flush_one(ctx, vaddr >> TARGET_PAGE_BITS, true);
        return;
    }
    for (uint32_t i = 0; i < ctx->nopen_guards; i++) {
        ctx->env->page_guard[ctx->open_guards[i]] = 0;
        ctx->link_pages[ctx->open_guards[i]].listed = false;
    }
    ctx->nopen_guards = 0;
    if (!global)
        return;
    struct mmu_large large = {0};
    uint32_t kept = 0;
    for (uint32_t i = 0; i < ctx->nglobal_links; i++) {
        uint16_t id = ctx->global_links[i];
        struct link_page *lp = &ctx->link_pages[id];
        if (lp->global && check_global(ctx, lp, &large))
            ctx->global_links[kept++] = id;
        else
            lp->in_global = false;
    }
    ctx->nglobal_links = kept;
}

/* ---- linking ---- */

/* May the exit be linked to `to`, in another page, which control has just come to? */
static bool may_cross(struct tb_context *ctx, const struct tb_exit *e, const TranslationBlock *to, bool global)
{
    uint32_t slot;
    if (e->cross == TB_CROSS_NONE)
        return false;
    int id = find_page(ctx, (to->eip + to->cs_base) >> TARGET_PAGE_BITS, is_user(to->flags), &slot);
    if (id == NO_LINK_PAGE || !ctx->env->page_guard[id])
        return false;
    if (e->cross == TB_CROSS_GUARDED)
        return e->page == id;
    struct link_page *lp = &ctx->link_pages[id];
    if (!global)
        return false;
    lp->global = true;
    if (!lp->in_global) {
        lp->in_global = true;
        ctx->global_links[ctx->nglobal_links++] = (uint16_t)id;
    }
    return true;
}

/* Which variant of a block the exit goes to.  A block that knows the word it leaves with has its own;
 * the others begin with the first one.  NULL: a guard's exit would close a ring. */
static TranslationBlock *link_target(const TranslationBlock *from, unsigned n, TranslationBlock *to)
{
    if (n == TB_EXIT_GUARD) {
        for (const TranslationBlock *v = to; v; v = v->exit[TB_EXIT_GUARD].dest)
            if (v == from)
                return NULL;
        return to;
    }
    if (to->fptw == TB_ANY_FPTW)
        return to;
    if (from->fptw != TB_ANY_FPTW && from->map[from->exit[n].insn].fptw_after == to->fptw)
        return to;
    return tb_first_variant(to);
}

/* An exit that cannot be linked looks its target up from now on, and comes to C no more. */
static void never_link(struct tb_context *ctx, const struct tb_exit *e)
{
    mips_patch_jump(e->stub + SITE_exit_stub_link, ctx->exit_jmp_cache);
}

void tb_link_exit(struct tb_context *ctx, TranslationBlock *from, uintptr_t ra, TranslationBlock *to, bool global)
{
    if (from->invalid || to->invalid || from->flags != to->flags)
        return;
    for (unsigned n = 0; n < from->nexits; n++) {
        struct tb_exit *e = &from->exit[n];
        if (!e->jump || ra <= (uintptr_t)e->stub || ra > (uintptr_t)(e->stub + 4) || e->eip != to->eip)
            continue;
        bool crosses = e->cross != TB_CROSS_NONE;
        if (to->phys_page2 != TB_NO_PAGE || (crosses && !may_cross(ctx, e, to, global))) {
            /* A guard's exit would find its own block in the jump cache, for ever. */
            if (n != TB_EXIT_GUARD)
                never_link(ctx, e);
            return;
        }
        if (!crosses && ((from->phys_pc ^ to->phys_pc) & ~(hwaddr)(TARGET_PAGE_SIZE - 1)))
            return;
        to = link_target(from, n, to);
        if (to) {
            ctx->stats.links++;
            tb_add_jump(from, n, to);
        }
        return;
    }
}
