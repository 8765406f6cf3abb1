/* borrow.c - a solver that knows of a peak to come, and borrows the memory for it
 *
 *     cc -o borrow borrow.c $(pkg-config --cflags --libs memwarden)
 *     srun --mem=64M ./borrow 32 100
 *
 * It keeps BASE MiB of data.  Its second phase wants PEAK MiB more at once; lent them, it
 * does that phase in one piece and gives them back, else in pieces that fit in what room
 * it has.  Between the phases its work is saved, and it says so.
 */
#include <memwarden.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB ((size_t) 1 << 20)
#define PHASE_S 600 /* the peak is over by then */

/* [size] bytes that are really used; NULL. */
static char *get (size_t size)
{
    char *p = malloc (size);

    return p ? memset (p, 1, size) : NULL;
}

static int in_pieces (size_t peak)
{
    struct mw_status st;
    size_t piece = MIB;

    /* half of what there is: somebody else of the job may want some, too */
    if (mw_self (&st, NULL, 0) == 0 && st.room / 2 > piece)
        piece = st.room / 2;
    for (size_t done = 0; done < peak; done += piece) {
        char *work = get (piece < peak - done ? piece : peak - done);

        if (!work)
            return -1;
        free (work);
    }
    printf ("done in pieces of %zu MiB\n", piece / MIB);
    return 0;
}

static int at_once (size_t peak)
{
    struct mw_status st;
    char why[512], *work = get (peak);

    if (!work)
        return -1;
    if (mw_self (&st, why, sizeof (why)) == 0)
        printf ("at the peak: used %zu MiB of %zu MiB, %zu MiB of them lent\n",
                (size_t) st.usage / MIB, (size_t) st.limit / MIB,
                (size_t) st.loan / MIB);
    free (work);
    if (mw_return (why, sizeof (why)) < 0)
        printf ("not given back: %s\n", why);
    puts ("done at once");
    return 0;
}

int main (int argc, char **argv)
{
    size_t base = argc > 1 ? strtoul (argv[1], NULL, 10) * MIB : 32 * MIB;
    size_t peak = argc > 2 ? strtoul (argv[2], NULL, 10) * MIB : 64 * MIB;
    char *data = get (base), why[512];
    int rc;

    setvbuf (stdout, NULL, _IOLBF, 0);
    if (!data)
        return 1;
    /* phase one; here it would be written to a file */
    if (mw_checkpointed (why, sizeof (why)) < 0)
        printf ("no warden knows of the checkpoint: %s\n", why);
    if (mw_request_grow (peak + peak / 8, PHASE_S, why, sizeof (why)) == 0) {
        rc = at_once (peak);
    } else {
        printf ("not lent: %s\n", why);
        rc = in_pieces (peak);
    }
    free (data);
    return rc < 0;
}
