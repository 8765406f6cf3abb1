/* selfmem.c - a program inside a job that asks for its own memory and prints
 * the notes it hears, as memwarden.h lets it
 *
 *     selfmem [NOTES]      print the status, then so many notes, then end
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/memwarden.h"

int main (int argc, char **argv)
{
    struct mw_status st;
    char text[512];
    struct pollfd p = { .events = POLLIN };
    int notes = argc > 1 ? atoi (argv[1]) : 0, rc = 1;

    setvbuf (stdout, NULL, _IOLBF, 0);
    if (mw_self (&st, text, sizeof (text)) < 0) {
        fprintf (stderr, "selfmem: %s\n", text);
        return 1;
    }
    printf ("job %s priority %u reservation %llu limit %llu used %s\n", st.job,
            st.priority, (unsigned long long) st.reservation,
            (unsigned long long) st.limit, st.usage > 0 ? "some" : "none");
    p.fd = mw_on_pressure (text, sizeof (text));
    if (p.fd < 0) {
        fprintf (stderr, "selfmem: %s\n", text);
        return 1;
    }
    puts ("subscribed");
    while (notes > 0 && rc != 0 && poll (&p, 1, -1) == 1) {
        rc = mw_next_note (p.fd, text, sizeof (text));
        if (rc == 1) {
            printf ("note: %s\n", text);
            notes--;
        }
    }
    puts (rc == 0 ? "the warden has gone" : "done");
    close (p.fd);
    return 0;
}
