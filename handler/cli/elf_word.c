/* elf_word.c - the value of a number that a shared object exports: elf(5) */
#include "handler/cli/elf_word.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "lib/cleanup.h"

/* The file as it is mapped.  Nothing in it is believed: each offset is looked at. */
struct image {
    const unsigned char *at;
    size_t size;
};

/* [n] bytes at [offset], or NULL where they are not in the file. */
static const void *_elf_at (const struct image *im, uint64_t offset, uint64_t n)
{
    return offset <= im->size && n <= im->size - offset ? im->at + offset
                                                        : NULL;
}

static const ElfW (Ehdr) * _elf_header (const struct image *im)
{
    const ElfW (Ehdr) *h = _elf_at (im, 0, sizeof (*h));
    const unsigned char kind = sizeof (void *) == 8 ? ELFCLASS64 : ELFCLASS32;

    if (!h || memcmp (h->e_ident, ELFMAG, SELFMAG) != 0 ||
        h->e_ident[EI_CLASS] != kind || h->e_shentsize != sizeof (ElfW (Shdr)))
        return NULL;
    return h;
}

/* The bytes of the section [number]. Returns NULL where they are not there. */
static const void *_elf_section (const struct image *im, const ElfW (Ehdr) * h,
                                 unsigned number, ElfW (Shdr) * s)
{
    const void *at = number < h->e_shnum
                         ? _elf_at (im,
                                    h->e_shoff +
                                        (uint64_t) number * sizeof (*s),
                                    sizeof (*s))
                         : NULL;

    if (!at)
        return NULL;
    memcpy (s, at, sizeof (*s));
    return s->sh_type == SHT_NOBITS ? NULL
                                    : _elf_at (im, s->sh_offset, s->sh_size);
}

/* Is the name at [offset] of the [len] bytes [names] [symbol]? */
static bool _elf_is (const char *names, size_t len, size_t offset,
                     const char *symbol)
{
    size_t n = strlen (symbol) + 1;

    return offset < len && n <= len - offset &&
           memcmp (names + offset, symbol, n) == 0;
}

static int _elf_value (const struct image *im, const ElfW (Ehdr) * h,
                       const ElfW (Sym) * sym, uint32_t *value)
{
    ElfW (Shdr) s;
    const unsigned char *bytes = _elf_section (im, h, sym->st_shndx, &s);

    if (!bytes || sym->st_value < s.sh_addr ||
        sym->st_value - s.sh_addr > s.sh_size ||
        s.sh_size - (sym->st_value - s.sh_addr) < sizeof (*value)) {
        errno = ENOEXEC;
        return -1;
    }
    memcpy (value, bytes + (sym->st_value - s.sh_addr), sizeof (*value));
    return 0;
}

static int _elf_find (const struct image *im, const char *symbol,
                      uint32_t *value)
{
    const ElfW (Ehdr) *h = _elf_header (im);
    ElfW (Shdr) table, text;
    const unsigned char *symbols;
    const char *names;
    ElfW (Sym) sym;

    errno = h ? ENOENT : ENOEXEC;
    for (unsigned i = 0; h && i < h->e_shnum; i++) {
        symbols = _elf_section (im, h, i, &table);
        if (!symbols || table.sh_type != SHT_DYNSYM)
            continue;
        names = _elf_section (im, h, table.sh_link, &text);
        for (size_t k = 0; names && k < table.sh_size / sizeof (sym); k++) {
            memcpy (&sym, symbols + k * sizeof (sym), sizeof (sym));
            if (sym.st_shndx != SHN_UNDEF &&
                _elf_is (names, text.sh_size, sym.st_name, symbol))
                return _elf_value (im, h, &sym, value);
        }
    }
    return -1;
}

int elf_word_read (int fd, const char *symbol, uint32_t *value)
{
    struct image im;
    struct stat st;
    void *map;
    int rc, saved;

    if (fstat (fd, &st) < 0)
        return -1;
    if (!S_ISREG (st.st_mode) || st.st_size == 0) {
        errno = ENOEXEC;
        return -1;
    }
    im.size = (size_t) st.st_size;
    map = mmap (NULL, im.size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED)
        return -1;
    im.at = map;
    rc = _elf_find (&im, symbol, value);
    saved = errno;
    munmap (map, im.size);
    errno = saved;
    return rc;
}
