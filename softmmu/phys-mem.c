/* Guest physical memory: RAM, ROM and MMIO regions, and accesses by physical address. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "log.h"
#include "mmu-internal.h"

struct phys_mem *phys_mem_new(void)
{
    struct phys_mem *m = calloc(1, sizeof(*m));
    if (m)
        m->regions_tail = &m->regions;
    return m;
}

void phys_mem_free(struct phys_mem *m)
{
    if (!m)
        return;
    while (m->regions) {
        struct phys_region *r = m->regions;
        m->regions = r->next;
        if (r->host)
            munmap(r->host, r->size);
        free(r->pages);
        free(r);
    }
    free(m->ranges);
    if (m->ram_fd > 0)
        close(m->ram_fd);
    free(m);
}

/* All RAM lies in one file without a name, so that its pages can be mapped at other places too (window.c). */
static bool extend_ram_file(struct phys_mem *m, hwaddr size)
{
    if (m->ram_fd <= 0)
        m->ram_fd = memfd_create("guest-ram", MFD_CLOEXEC);
    if (m->ram_fd < 0 || ftruncate(m->ram_fd, (off_t)(m->ram_file_size + size)) < 0)
        return false;
    m->ram_file_size += size;
    return true;
}

/* Host memory for the guest, from the RAM file where fd is not -1.  A TLB entry is host address minus guest
 * address and has to be positive, so host addresses below 4 GiB will not do. */
static uint8_t *host_alloc(hwaddr size, int fd, hwaddr offset)
{
    int prot = PROT_READ | PROT_WRITE;
    int flags = (fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED) | MAP_NORESERVE;
    void *p = mmap(NULL, size, prot, flags, fd, (off_t)offset);
    if (p != MAP_FAILED && (uintptr_t)p < (1ull << 32)) {
        munmap(p, size);
        p = mmap((void *)(uintptr_t)(1ull << 36), size, prot, flags, fd, (off_t)offset);
        if (p != MAP_FAILED && (uintptr_t)p < (1ull << 32)) {
            munmap(p, size);
            p = MAP_FAILED;
        }
    }
    return p == MAP_FAILED ? NULL : p;
}

/* Put a region on top of what is there: cut the ranges below it, then insert its own. */
static bool add_range(struct phys_mem *m, struct phys_region *r)
{
    hwaddr base = r->base, last = r->base + r->size - 1;
    struct phys_range *n = malloc((m->range_count * 2 + 1) * sizeof(*n));
    unsigned count = 0;
    if (!n)
        return false;
    bool placed = false;
    for (unsigned i = 0; i < m->range_count; i++) {
        struct phys_range o = m->ranges[i];
        if (o.base < base) {
            n[count++] = (struct phys_range){ o.base, o.last < base ? o.last : base - 1, o.region };
            if (o.last <= last)
                continue;
        }
        if (!placed && o.last > last) {
            n[count++] = (struct phys_range){ base, last, r };
            placed = true;
        }
        if (o.last > last)
            n[count++] = (struct phys_range){ o.base > last ? o.base : last + 1, o.last, o.region };
    }
    if (!placed)
        n[count++] = (struct phys_range){ base, last, r };
    free(m->ranges);
    m->ranges = n;
    m->range_count = count;
    m->range_hit = 0;
    return true;
}

static struct phys_region *add_region(struct phys_mem *m, hwaddr base, hwaddr size, enum region_kind kind,
                                      const char *name)
{
    struct phys_region *r = calloc(1, sizeof(*r));
    if (!r)
        return NULL;
    r->base = base;
    r->size = size;
    r->kind = kind;
    r->name = name;
    if (kind != REGION_MMIO) {
        r->file_offset = m->ram_file_size;
        if (kind == REGION_ROM)
            r->host = host_alloc(size, -1, 0);
        else if (extend_ram_file(m, size))
            r->host = host_alloc(size, m->ram_fd, r->file_offset);
        r->pages = calloc(size >> TARGET_PAGE_BITS, sizeof(*r->pages));
    }
    if ((kind != REGION_MMIO && (!r->host || !r->pages)) || !add_range(m, r)) {
        if (r->host)
            munmap(r->host, size);
        free(r->pages);
        free(r);
        return NULL;
    }
    *m->regions_tail = r;
    m->regions_tail = &r->next;
    return r;
}

uint8_t *phys_mem_add_ram(struct phys_mem *m, hwaddr base, hwaddr size, const char *name)
{
    struct phys_region *r = size ? add_region(m, base, size, REGION_RAM, name) : NULL;
    return r ? r->host : NULL;
}

uint8_t *phys_mem_add_rom(struct phys_mem *m, hwaddr base, hwaddr size, const char *name)
{
    struct phys_region *r = size ? add_region(m, base, size, REGION_ROM, name) : NULL;
    return r ? r->host : NULL;
}

void phys_mem_add_mmio(struct phys_mem *m, hwaddr base, hwaddr size, const struct mmio_ops *ops, void *opaque,
                       const char *name)
{
    struct phys_region *r = size ? add_region(m, base, size, REGION_MMIO, name) : NULL;
    if (r) {
        r->ops = ops;
        r->opaque = opaque;
    }
}

const struct phys_range *phys_find(struct phys_mem *m, hwaddr paddr)
{
    if (m->range_count) {
        const struct phys_range *r = &m->ranges[m->range_hit];
        if (paddr >= r->base && paddr <= r->last)
            return r;
    }
    unsigned lo = 0, hi = m->range_count;
    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;
        const struct phys_range *r = &m->ranges[mid];
        if (paddr < r->base) {
            hi = mid;
        } else if (paddr > r->last) {
            lo = mid + 1;
        } else {
            m->range_hit = mid;
            return r;
        }
    }
    return NULL;
}

uint8_t *phys_mem_ptr(struct phys_mem *m, hwaddr paddr, hwaddr len)
{
    const struct phys_range *r = phys_find(m, paddr);
    if (!r || r->region->kind == REGION_MMIO || (len && len - 1 > r->last - paddr))
        return NULL;
    return r->region->host + (paddr - r->region->base);
}

bool phys_mem_ram_region(struct phys_mem *m, unsigned i, hwaddr *base, hwaddr *size, uint8_t **host)
{
    for (struct phys_region *r = m->regions; r; r = r->next) {
        if (r->kind != REGION_RAM)
            continue;
        if (i-- == 0) {
            *base = r->base;
            *size = r->size;
            *host = r->host;
            return true;
        }
    }
    return false;
}

unsigned phys_mem_add_code_listener(struct phys_mem *m, code_write_fn *fn, void *opaque)
{
    if (m->listener_count == CODE_LISTENERS_MAX)
        abort();
    m->listeners[m->listener_count].fn = fn;
    m->listeners[m->listener_count].opaque = opaque;
    return m->listener_count++;
}

void phys_code_written(struct phys_mem *m, const struct ram_page *page, hwaddr paddr, uint32_t len,
                       uintptr_t ra)
{
    /* A listener may unmark the page, for itself or others: look again each time. */
    for (unsigned i = 0; i < m->listener_count; i++) {
        if (page->code >> i & 1)
            m->listeners[i].fn(m->listeners[i].opaque, paddr, len, ra);
    }
}

static void log_unassigned(struct phys_mem *m, hwaddr paddr, const char *what)
{
    if (!log_enabled(LOG_UNIMP))
        return;
    hwaddr page = paddr >> TARGET_PAGE_BITS;
    unsigned max = sizeof(m->unassigned_logged) / sizeof(m->unassigned_logged[0]);
    for (unsigned i = 0; i < m->unassigned_count; i++) {
        if (m->unassigned_logged[i] == page)
            return;
    }
    if (m->unassigned_count == max)
        return;
    m->unassigned_logged[m->unassigned_count++] = page;
    log_printf("unassigned memory %s at %#llx\n", what, (unsigned long long)paddr);
}

/* The largest naturally aligned device access at paddr that len allows. */
static unsigned mmio_size(hwaddr paddr, hwaddr len)
{
    if (len >= 4 && (paddr & 3) == 0)
        return 4;
    return len >= 2 && (paddr & 1) == 0 ? 2 : 1;
}

/* Bytes from paddr to the end of its range, or of the hole it is in. */
static hwaddr span(struct phys_mem *m, const struct phys_range *r, hwaddr paddr, hwaddr len)
{
    hwaddr left = len;
    if (r) {
        if (r->last - paddr < left)
            left = r->last - paddr + 1;
        return left;
    }
    for (unsigned i = 0; i < m->range_count; i++) {
        if (m->ranges[i].base > paddr && m->ranges[i].base - paddr < left)
            left = m->ranges[i].base - paddr;
    }
    return left;
}

void phys_mem_read(struct phys_mem *m, hwaddr paddr, void *buf, hwaddr len)
{
    uint8_t *out = buf;
    while (len) {
        const struct phys_range *r = phys_find(m, paddr);
        hwaddr n = span(m, r, paddr, len);
        if (!r) {
            log_unassigned(m, paddr, "read");
            memset(out, 0xff, n);
        } else if (r->region->kind != REGION_MMIO) {
            memcpy(out, r->region->host + (paddr - r->region->base), n);
        } else {
            n = mmio_size(paddr, n);
            uint32_t v = r->region->ops->read(r->region->opaque, paddr - r->region->base, (unsigned)n);
            memcpy(out, &v, n);
        }
        out += n;
        paddr += n;
        len -= n;
    }
}

void phys_mem_write(struct phys_mem *m, hwaddr paddr, const void *buf, hwaddr len)
{
    const uint8_t *in = buf;
    while (len) {
        const struct phys_range *r = phys_find(m, paddr);
        hwaddr n = span(m, r, paddr, len);
        if (!r) {
            log_unassigned(m, paddr, "write");
        } else if (r->region->kind == REGION_RAM) {
            hwaddr offset = paddr - r->region->base;
            hwaddr room = TARGET_PAGE_SIZE - (offset & (TARGET_PAGE_SIZE - 1));
            if (n > room)
                n = room;
            struct ram_page *page = &r->region->pages[offset >> TARGET_PAGE_BITS];
            uint8_t *host = r->region->host + offset;
            if (page->code)
                phys_code_written(m, page, paddr, (uint32_t)n, 0);
            memcpy(host, in, n);
        } else if (r->region->kind == REGION_MMIO) {
            n = mmio_size(paddr, n);
            uint32_t v = 0;
            memcpy(&v, in, n);
            r->region->ops->write(r->region->opaque, paddr - r->region->base, v, (unsigned)n);
        }
        in += n;
        paddr += n;
        len -= n;
    }
}
