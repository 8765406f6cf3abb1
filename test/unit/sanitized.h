/* sanitized.h - is this program built with AddressSanitizer?
 *
 * It has reserved terabytes of addresses, so what is to be true of the memory of a
 * process is not; and a system call takes several times as long.
 */
#ifndef MW_SANITIZED_H
#define MW_SANITIZED_H

#include <stdbool.h>

#ifdef __has_feature
#define MW_SANITIZED __has_feature (address_sanitizer)
#elif defined(__SANITIZE_ADDRESS__)
#define MW_SANITIZED true
#else
#define MW_SANITIZED false
#endif

#endif /* !MW_SANITIZED_H */
