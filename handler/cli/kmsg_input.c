/* kmsg_input.c - the lines of a log, compressed or not: see kmsg_input.h */
#include "handler/cli/kmsg_input.h"

#include <errno.h>
#include <lzma.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define RAW_BYTES 65536
#define LINE_MOST (1024 * 1024)
#define TEXT_BYTES (LINE_MOST + RAW_BYTES)
#define XZ_MEMORY (256 * 1024 * 1024)
#define MAGIC_BYTES 8

enum kind { PLAIN, GZIP, XZ };

struct kmsg_input {
    int fd;
    const char *name;
    enum kind kind;
    z_stream gzip;
    lzma_stream xz;
    bool begun; /* within a compressed piece */

    unsigned char raw[RAW_BYTES];
    size_t raw_at, raw_len;
    bool raw_end;

    char text[TEXT_BYTES];
    size_t at, len;
    bool end;
    char eol;    /* what ends its lines; 0: not seen yet */
    bool failed; /* there, with … */
    struct mw_err err;
};

/* What can be named, and how it is read. */
static const struct {
    const char *magic;
    size_t len;
    const char *what;
} others[] = {
    { "LPKSHHRH", 8,
      "a journal of systemd: journalctl -k --file=FILE | "
      "memwarden kmsg -" },
    { "BZh", 3, "compressed by bzip2: bzcat FILE | memwarden kmsg -" },
    { "\x28\xb5\x2f\xfd", 4,
      "compressed by zstd: zstdcat FILE | memwarden "
      "kmsg -" },
    { "\x04\x22\x4d\x18", 4,
      "compressed by lz4: lz4cat FILE | memwarden "
      "kmsg -" },
    { "PK\x03\x04", 4, "a zip file: unzip -p FILE | memwarden kmsg -" },
    { "\xff\xfe", 2, "UTF-16: iconv -f UTF-16 FILE | memwarden kmsg -" },
    { "\xfe\xff", 2, "UTF-16: iconv -f UTF-16 FILE | memwarden kmsg -" },
};

/* ---- bytes --------------------------------------------------------------- */

/* Read what there is behind what is there. */
static int _raw (struct kmsg_input *in, struct mw_err *err)
{
    ssize_t n;

    if (in->raw_at > 0)
        memmove (in->raw, in->raw + in->raw_at, in->raw_len - in->raw_at);
    in->raw_len -= in->raw_at;
    in->raw_at = 0;
    do {
        /* EPIPE: /dev/kmsg was overwritten; the gap is counted */
        n = read (in->fd, in->raw + in->raw_len, RAW_BYTES - in->raw_len);
    } while (n < 0 && (errno == EINTR || errno == EPIPE));
    if (n < 0 && errno != EAGAIN)
        return mw_err_errno (err, "cannot read %s", in->name);
    in->raw_end = n <= 0;
    in->raw_len += n > 0 ? (size_t) n : 0;
    return 0;
}

static int _broken (const struct kmsg_input *in, const char *by,
                    struct mw_err *err)
{
    return mw_err_code (err, EINVAL,
                        "%s: %s finds it broken: the rest of it "
                        "is not read",
                        in->name, by);
}

/* Unpack into the text. A file may be of several pieces. */
static int _gunzip (struct kmsg_input *in, struct mw_err *err)
{
    int rc;

    in->gzip.next_in = in->raw + in->raw_at;
    in->gzip.avail_in = (unsigned) (in->raw_len - in->raw_at);
    in->gzip.next_out = (unsigned char *) in->text + in->len;
    in->gzip.avail_out = (unsigned) (TEXT_BYTES - in->len);
    in->begun = true;
    rc = inflate (&in->gzip, Z_NO_FLUSH);
    in->raw_at = in->raw_len - in->gzip.avail_in;
    in->len = TEXT_BYTES - in->gzip.avail_out;
    if (rc == Z_STREAM_END) {
        in->begun = false;
        rc = inflateReset (&in->gzip);
    }
    return rc == Z_OK || rc == Z_BUF_ERROR ? 0 : _broken (in, "gzip", err);
}

static int _unxz (struct kmsg_input *in, struct mw_err *err)
{
    lzma_ret rc;

    in->xz.next_in = in->raw + in->raw_at;
    in->xz.avail_in = in->raw_len - in->raw_at;
    in->xz.next_out = (unsigned char *) in->text + in->len;
    in->xz.avail_out = TEXT_BYTES - in->len;
    rc = lzma_code (&in->xz, in->raw_end ? LZMA_FINISH : LZMA_RUN);
    in->raw_at = in->raw_len - in->xz.avail_in;
    in->len = TEXT_BYTES - in->xz.avail_out;
    in->begun = rc != LZMA_STREAM_END;
    if (rc == LZMA_STREAM_END)
        in->end = true;
    return rc == LZMA_OK || rc == LZMA_STREAM_END ||
                   (rc == LZMA_BUF_ERROR && !in->raw_end)
               ? 0
               : _broken (in, "xz", err);
}

static int _try (struct kmsg_input *in, struct mw_err *err)
{
    size_t before;

    if (in->at > 0)
        memmove (in->text, in->text + in->at, in->len - in->at);
    in->len -= in->at;
    in->at = 0;
    before = in->len;
    while (in->len == before && !in->end) {
        if (in->raw_at == in->raw_len && !in->raw_end && _raw (in, err) < 0)
            return -1;
        if (in->kind == PLAIN) {
            memcpy (in->text + in->len, in->raw + in->raw_at,
                    in->raw_len - in->raw_at);
            in->len += in->raw_len - in->raw_at;
            in->raw_at = in->raw_len;
            in->end = in->raw_end;
        } else if (in->kind == XZ) {
            if (_unxz (in, err) < 0)
                return -1;
        } else if (in->raw_at < in->raw_len) {
            /* behind its pieces may be zeros, which are nothing */
            if (!in->begun && in->raw[in->raw_at] == 0)
                in->raw_at++;
            else if (_gunzip (in, err) < 0)
                return -1;
        } else if (in->raw_end) {
            if (in->begun)
                return _broken (in, "gzip", err);
            in->end = true;
        }
    }
    return 0;
}

/* More text, or the end: what is there before a fault is read. */
static void _more (struct kmsg_input *in)
{
    if (_try (in, &in->err) < 0)
        in->failed = in->end = true;
}

/* ---- what it is ---------------------------------------------------------- */

static int _sniff (struct kmsg_input *in, struct mw_err *err)
{
    while (in->raw_len < MAGIC_BYTES && !in->raw_end) {
        if (_raw (in, err) < 0)
            return -1;
    }
    for (unsigned i = 0; i < sizeof (others) / sizeof (others[0]); i++) {
        if (in->raw_len >= others[i].len &&
            memcmp (in->raw, others[i].magic, others[i].len) == 0)
            return mw_err_code (err, EINVAL, "%s is %s", in->name,
                                others[i].what);
    }
    if (in->raw_len >= 2 && memcmp (in->raw, "\x1f\x8b", 2) == 0) {
        in->kind = GZIP;
        if (inflateInit2 (&in->gzip, 16 + MAX_WBITS) != Z_OK)
            return _broken (in, "gzip", err);
    } else if (in->raw_len >= 6 && memcmp (in->raw,
                                           "\xfd"
                                           "7zXZ",
                                           6) == 0) {
        in->kind = XZ;
        if (lzma_stream_decoder (&in->xz, XZ_MEMORY, LZMA_CONCATENATED) !=
            LZMA_OK)
            return _broken (in, "xz", err);
    }
    return 0;
}

struct kmsg_input *kmsg_input_open (int fd, const char *name,
                                    struct mw_err *err)
{
    struct kmsg_input *in = calloc (1, sizeof (*in));

    if (!in) {
        close (fd);
        mw_err_errno (err, "cannot read %s", name);
        return NULL;
    }
    in->fd = fd;
    in->name = name;
    if (_sniff (in, err) == 0)
        return in;
    kmsg_input_close (in);
    return NULL;
}

void kmsg_input_close (struct kmsg_input *in)
{
    int saved = errno;

    if (!in)
        return;
    if (in->kind == GZIP)
        inflateEnd (&in->gzip);
    if (in->kind == XZ)
        lzma_end (&in->xz);
    close (in->fd);
    free (in);
    errno = saved;
}

bool kmsg_input_is_empty (const struct kmsg_input *in)
{
    return in->raw_len == 0;
}

/* ---- lines --------------------------------------------------------------- */

/* What ends the lines?  A log that has no newline at all may be an old Mac's;
 * in others a carriage return is anybody's. */
static char _eol (const struct kmsg_input *in)
{
    const char *from = in->text + in->at;
    size_t len = in->len - in->at;

    return !memchr (from, '\n', len) && memchr (from, '\r', len) ? '\r' : '\n';
}

int kmsg_input_line (struct kmsg_input *in, const char **line, size_t *len,
                     struct mw_err *err)
{
    size_t seen = 0;
    char *end = NULL;

    for (;;) {
        char *from = in->text + in->at;

        end = memchr (from + seen, in->eol ? in->eol : '\n',
                      in->len - in->at - seen);
        seen = in->len - in->at;
        if (!end && !in->eol && (seen >= LINE_MOST || in->end)) {
            in->eol = _eol (in);
            seen = 0;
            continue;
        }
        if (end || seen >= LINE_MOST || in->end)
            break;
        _more (in);
    }
    if (!end && seen == 0) {
        *err = in->err;
        return in->failed ? -1 : 0;
    }
    *line = in->text + in->at;
    *len = end ? (size_t) (end - *line) : seen;
    in->at += *len + (end != NULL);
    in->eol = end ? *end : in->eol;
    return 1;
}

const char *kmsg_input_bytes (struct kmsg_input *in, size_t len)
{
    const char *bytes;

    while (in->len - in->at < len && !in->end && len <= LINE_MOST)
        _more (in);
    if (in->len - in->at < len)
        return NULL;
    bytes = in->text + in->at;
    in->at += len;
    return bytes;
}
