/* sign.c - a webhook's signature (libcrypto, which libcurl has loaded as a rule) */
#include "handler/courier/http.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#include "lib/cleanup.h"

bool http_sign (const char *secret, const char *stamp, const char *body,
                char hex[65])
{
    cleanup_free char *text = NULL;
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned int n = 0;
    int len = asprintf (&text, "%s.%s", stamp, body);

    if (len < 0) {
        text = NULL;
        return false;
    }
    if (!HMAC (EVP_sha256 (), secret, (int) strlen (secret),
               (unsigned char *) text, (size_t) len, mac, &n) ||
        n != 32)
        return false;
    for (unsigned i = 0; i < n; i++)
        snprintf (hex + 2 * i, 3, "%02x", mac[i]);
    return true;
}
