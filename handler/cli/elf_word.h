/* elf_word.h - the value of a number that a shared object exports
 *
 * The file is read, not loaded: a library of somebody else's has constructors, and
 * one for another Slurm may not find its symbols.
 */
#ifndef MW_ELF_WORD_H
#define MW_ELF_WORD_H

#include <stdint.h>

/* Read the 32 bits that the open ELF file [fd], of this machine's kind, has as
 *   [symbol] (a `const uint32_t`) into [value].
 * Returns 0; -1 with errno: ENOEXEC (no such file), ENOENT (no such symbol). */
int elf_word_read (int fd, const char *symbol, uint32_t *value);

#endif /* !MW_ELF_WORD_H */
