/* Is an initial RAM disk whole?  A kernel that gets half an archive fails late and in many ways,
 * so the containers are followed here: sizes, not contents, except for gzip, whose
 * end can't be found without inflating. */
#include "boot-internal.h"

#include <string.h>
#include <zlib.h>

struct view {
    const uint8_t *p;
    uint64_t n;
};

static uint32_t le32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void skip(struct view *v, uint64_t n)
{
    v->p += n;
    v->n -= n;
}

static bool starts(const struct view *v, const char *magic, unsigned len)
{
    return v->n >= len && memcmp(v->p, magic, len) == 0;
}

/* Eight hexadecimal digits, or false. */
static bool hex8(const uint8_t *p, uint32_t *out)
{
    uint32_t v = 0;
    for (int i = 0; i < 8; i++) {
        unsigned c = p[i] | 0x20, d;
        if (c >= '0' && c <= '9')
            d = c - '0';
        else if (c >= 'a' && c <= 'f')
            d = c - 'a' + 10;
        else
            return false;
        v = v << 4 | d;
    }
    *out = v;
    return true;
}

/* A "newc" cpio archive up to its trailer. */
static const char *check_cpio(struct view *v)
{
    for (;;) {
        uint32_t filesize, namesize;
        if (v->n < 110)
            return "truncated: the cpio archive ends before its trailer";
        if (!starts(v, "070701", 6) && !starts(v, "070702", 6))
            return "malformed cpio archive";
        if (!hex8(v->p + 54, &filesize) || !hex8(v->p + 94, &namesize) || !namesize)
            return "malformed cpio archive";
        uint64_t name_end = ((uint64_t)110 + namesize + 3) & ~3ull;
        uint64_t end = name_end + (((uint64_t)filesize + 3) & ~3ull);
        if ((uint64_t)110 + namesize > v->n)
            return "truncated: the cpio archive ends inside a name";
        bool trailer = namesize == 11 && memcmp(v->p + 110, "TRAILER!!!", 10) == 0;
        if (name_end + filesize > v->n && !(trailer && !filesize))
            return "truncated: the cpio archive ends inside a file";
        skip(v, end < v->n ? end : v->n);
        if (trailer)
            break;
    }
    return NULL;
}

static const char *check_gzip(struct view *v)
{
    static uint8_t sink[65536];
    z_stream z = { 0 };
    if (inflateInit2(&z, 15 + 16) != Z_OK)
        return NULL; /* no memory to look: the kernel will see */
    int r = Z_OK;
    uint64_t done = 0;
    while (r == Z_OK && (z.avail_in || done < v->n)) {
        if (!z.avail_in) {
            uint64_t n = v->n - done < (1u << 30) ? v->n - done : 1u << 30;
            z.next_in = (uint8_t *)v->p + done;
            z.avail_in = (unsigned)n;
            done += n;
        }
        z.next_out = sink;
        z.avail_out = sizeof(sink);
        r = inflate(&z, Z_NO_FLUSH);
    }
    uint64_t used = done - z.avail_in;
    inflateEnd(&z);
    if (r == Z_STREAM_END) {
        skip(v, used);
        return NULL;
    }
    return r == Z_OK || r == Z_BUF_ERROR ? "truncated: the gzip data end early" : "damaged gzip data";
}

/* The stream's footer repeats the header's magic backwards; streams are padded to 4 bytes. */
static const char *check_xz(struct view *v)
{
    uint64_t n = v->n;
    while (n > 12 && v->p[n - 1] == 0)
        n--;
    if (n < 24 || v->p[n - 2] != 'Y' || v->p[n - 1] != 'Z')
        return "truncated: the xz data have no footer";
    skip(v, v->n);
    return NULL;
}

/* RFC 8878, 3.1.1: frame header, then blocks with a 3-byte header each. */
static const char *check_zstd(struct view *v)
{
    static const char *const truncated = "truncated: the zstd data end early";
    if (v->n < 6)
        return truncated;
    uint8_t desc = v->p[4];
    static const uint8_t dict_size[4] = { 0, 1, 2, 4 }, content_size[4] = { 0, 2, 4, 8 };
    bool single = desc & 0x20;
    uint64_t hdr = 5 + (single ? 0 : 1) + dict_size[desc & 3] + content_size[desc >> 6]
        + (single && !(desc >> 6) ? 1 : 0);
    if (v->n < hdr)
        return truncated;
    skip(v, hdr);
    for (bool last = false; !last;) {
        if (v->n < 3)
            return truncated;
        uint32_t b = v->p[0] | (uint32_t)v->p[1] << 8 | (uint32_t)v->p[2] << 16;
        uint64_t size = (b >> 1 & 3) == 1 ? 1 : b >> 3; /* type 1: one byte repeated */
        last = b & 1;
        skip(v, 3);
        if (v->n < size)
            return truncated;
        skip(v, size);
    }
    if (desc & 4) {
        if (v->n < 4)
            return truncated;
        skip(v, 4);
    }
    return NULL;
}

/* LZ4's legacy frames, which kernels take: blocks with a 4-byte size to the end of the file. */
static const char *check_lz4(struct view *v)
{
    skip(v, 4);
    while (v->n) {
        if (v->n < 4)
            return "truncated: the LZ4 data end early";
        uint32_t size = le32(v->p);
        if (size == 0 || size == 0x184c2102)
            return NULL; /* padding, or another frame: the caller goes on */
        skip(v, 4);
        if (v->n < size)
            return "truncated: the LZ4 data end early";
        skip(v, size);
    }
    return NULL;
}

const char *boot_check_initrd(const uint8_t *data, uint64_t size)
{
    struct view v = { data, size };
    const char *bad = NULL;
    if (!size)
        return "the file is empty";
    while (v.n && !bad) {
        if (v.p[0] == 0)
            skip(&v, 1); /* padding between archives */
        else if (starts(&v, "07070", 5))
            bad = check_cpio(&v);
        else if (starts(&v, "\x1f\x8b", 2))
            bad = check_gzip(&v);
        else if (starts(&v, "\xfd" "7zXZ", 6))
            bad = check_xz(&v);
        else if (starts(&v, "\x28\xb5\x2f\xfd", 4))
            bad = check_zstd(&v);
        else if (starts(&v, "\x02\x21\x4c\x18", 4))
            bad = check_lz4(&v);
        else
            break; /* a format that kernels may know and we don't */
    }
    return bad;
}
