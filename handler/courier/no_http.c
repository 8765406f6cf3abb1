/* no_http.c - instead of http.c where configure was told --without-curl */
#include <errno.h>

#include "handler/courier/courier.h"

void courier_http (const struct spool_request *r, const struct conf *conf,
                   struct spool *spool, struct courier_result *res)
{
    (void) r;
    (void) conf;
    (void) spool;
    courier_say (res, COURIER_REFUSED, ENOTSUP,
                 "webhook: this courier was built --without-curl");
}
