/* rest.c - slurmrestd, in a worker: see rest.h
 *
 * Whatever it does, nothing is lost by it: what it does not take, or does not have, is
 * libslurm's to do.  Slurm's own no, which it passes on, is one.
 */
#include "handler/courier/rest.h"

#include <ctype.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "handler/courier/http.h"
#include "lib/cleanup.h"
#include "lib/clock.h"
#include "lib/err.h"

/* What is known here: 22.05 has 36 to 38, 26.05 42 to 45. */
#define VERSION_MIN 36
#define VERSION_MAX 45
#define VERSION_ADMIN_COMMENT 39
#define TOKEN_MS 5000
/* 26.05's description of all its versions has 4 MB */
#define ANSWER_MAX (16 << 20)
/* Slurm's own errors (slurm_errno.h); those of slurmrestd and its clients are 9000
 * and more */
#define SLURM_CODE_MIN 2000
#define SLURM_CODE_MAX 2999
/* … but for these: another, libslurm's, may be let do what the token's user is not */
#define CODE_ACCESS_DENIED 2002
#define CODE_USER_ID_MISSING 2010
/* … that the controller's answer is not understood, by which 22.05 hides a token that
 * was not taken */
#define CODE_UNEXPECTED 1000
/* and of who speaks: a token that has expired, or is for another cluster */
#define CODE_AUTHENTICATION 1007
#define CODE_CREDENTIAL_MIN 6000
#define CODE_CREDENTIAL_MAX 6999

uint32_t rest_offer;

static void _rest_not (struct rest_result *res, const char *fmt, ...)
    __attribute__ ((format (printf, 2, 3)));

static void _rest_not (struct rest_result *res, const char *fmt, ...)
{
    struct mw_err tame;
    char text[sizeof (res->text)];
    va_list ap;

    va_start (ap, fmt);
    vsnprintf (text, sizeof (text), fmt, ap);
    va_end (ap);
    mw_err_set (&tame, "%s", text);
    res->verdict = REST_NOT;
    snprintf (res->text, sizeof (res->text), "%.*s",
              (int) sizeof (res->text) - 1, tame.text);
}

/* ---- the token ----------------------------------------------------------- */

/* In the child: it ends with who has started it. */
static void _token_exec (const char *command, int out)
{
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    if (dup2 (out, STDOUT_FILENO) < 0)
        _exit (126);
    execl ("/bin/sh", "sh", "-c", command, (char *) NULL);
    _exit (127);
}

/* Read [fd] into the [len] bytes of [buf] to its end, or until [end] (clock_ms); what
 * is too much is not kept. Returns whether it has ended. */
static bool _token_read (int fd, char *buf, size_t len, uint64_t end)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    char rest[256];
    size_t have = 0;
    uint64_t now;
    ssize_t n = 1;

    buf[0] = '\0';
    while (n > 0 && (now = clock_ms ()) < end) {
        if (poll (&p, 1, (int) (end - now)) <= 0)
            continue;
        if (have + 1 < len)
            n = read (fd, buf + have, len - 1 - have);
        else
            n = read (fd, rest, sizeof (rest));
        if (n > 0 && have + 1 < len)
            buf[have += (size_t) n] = '\0';
    }
    return n <= 0;
}

/* The first line that [command] writes. Returns NULL, or what is wrong. */
static const char *_token_of_command (const char *command, char *buf,
                                      size_t len, char *why, size_t why_len)
{
    cleanup_fd int out = -1, in = -1;
    const char *what = "written no token";
    int fd[2], status = -1;
    bool ended = false;
    pid_t pid = -1;

    buf[0] = '\0';
    if (pipe2 (fd, O_CLOEXEC) == 0) {
        out = fd[0];
        in = fd[1];
        pid = fork ();
    }
    if (pid == 0)
        _token_exec (command, in);
    if (pid > 0) {
        close (mw_steal_fd (&in));
        ended = _token_read (out, buf, len, clock_ms () + TOKEN_MS);
        if (!ended)
            kill (pid, SIGKILL);
        waitpid (pid, &status, 0);
    }
    buf[strcspn (buf, "\r\n")] = '\0';
    if (ended && status == 0 && buf[0])
        return NULL;
    if (pid > 0 && !ended)
        what = "not ended in 5 s";
    else if (status)
        what = "failed";
    snprintf (why, why_len, "slurmrestd-token-command \"%.100s\" has %s",
              command, what);
    return why;
}

/* Put who we are into [q]. Returns false, with [res] filled. */
static bool _rest_auth (const struct conf *conf, struct http_request *q,
                        struct rest_result *res)
{
    char token[2900] = "", why[512];
    const char *bad = NULL, *start = token;

    if (conf->rest_token_file[0])
        bad = http_secret (conf->rest_token_file, token, sizeof (token), why,
                           sizeof (why));
    else if (conf->rest_token_command[0])
        bad = _token_of_command (conf->rest_token_command, token,
                                 sizeof (token), why, sizeof (why));
    else
        return true;
    if (bad) {
        _rest_not (res, "no token: %s", bad);
        return false;
    }
    if (!strncmp (token, "SLURM_JWT=", 10)) /* as scontrol token writes it */
        start += 10;
    for (const char *c = start; *c; c++) {
        if (!isgraph ((unsigned char) *c)) {
            _rest_not (res, "no token: a byte of it is none of a JWT");
            return false;
        }
    }
    snprintf (q->header[0], sizeof (q->header[0]), "X-SLURM-USER-NAME: %s",
              conf->rest_user[0] ? conf->rest_user : conf->courier_user);
    snprintf (q->header[1], sizeof (q->header[1]), "X-SLURM-USER-TOKEN: %s",
              start);
    return true;
}

/* ---- one request --------------------------------------------------------- */

/* GET [path], or POST [body] there.  Returns what is answered, the caller's, and its
 * [len] and HTTP [status]; NULL, with [res] filled. */
static char *_rest_ask (const struct conf *conf, const char *path,
                        const char *body, size_t *len, long *status,
                        struct rest_result *res)
{
    static struct http_request q; /* 24 KiB */
    cleanup_free char *url = NULL;
    bool local = !strncmp (conf->rest_url, "unix:", 5);
    struct http_result h;
    char *answer;

    if (!_rest_auth (conf, &q, res))
        return NULL;
    answer = malloc (ANSWER_MAX);
    if (!answer ||
        asprintf (&url, "%s%s", local ? "http://localhost" : conf->rest_url,
                  path) < 0) {
        free (answer);
        _rest_not (res, "out of memory");
        return NULL;
    }
    snprintf (q.header[2], sizeof (q.header[2]), "Accept: application/json");
    snprintf (q.header[3], sizeof (q.header[3]), "%s",
              body ? "Content-Type: application/json" : "");
    q.url = url;
    q.socket = local ? conf->rest_url + 5 : NULL;
    q.body = body;
    q.ca_file = conf->rest_ca_file;
    q.proxy = "";
    q.timeout_ms = conf->rest_timeout_ms;
    q.answer = answer;
    q.room = ANSWER_MAX;
    http_do (&q, &h);
    *len = q.len;
    *status = h.status;
    if (h.status && !h.cut)
        return answer;
    free (answer);
    _rest_not (res, "%s: %s", conf->rest_url, h.why);
    return NULL;
}

/* ---- what it offers ------------------------------------------------------ */

/* The version of [path], "/slurm/v0.0.38/job/{job_id}"; 0 = of none. [rest] is set to
 * what follows, without slashes at its end in [*len]. */
static unsigned _version_of (const char *path, const char **rest, size_t *len)
{
    unsigned version = 0;
    int n = 0;

    if (sscanf (path, "/slurm/v0.0.%3u/%n", &version, &n) != 1 || n == 0)
        return 0;
    *rest = path + n;
    *len = strlen (*rest);
    while (*len > 0 && (*rest)[*len - 1] == '/')
        (*len)--;
    return version;
}

static bool _is_path (const char *rest, size_t len, const char *what)
{
    return strlen (what) == len && !strncmp (rest, what, len);
}

uint32_t rest_negotiate (const char *json, unsigned long len, char *text,
                         unsigned long text_len)
{
    cleanup_json json_t *j = json_loadb (json, len, 0, NULL);
    json_t *paths = json_object_get (j, "paths"), *methods;
    unsigned best = 0, newest = 0, version;
    uint32_t offer = 0;
    const char *path, *rest;
    size_t n;

    json_object_foreach (paths, path, methods) {
        version = _version_of (path, &rest, &n);
        if (version > newest)
            newest = version;
        if (_is_path (rest ? rest : "", version ? n : 0, "job/{job_id}") &&
            json_object_get (methods, "post") && version > best &&
            version >= VERSION_MIN && version <= VERSION_MAX)
            best = version;
    }
    json_object_foreach (paths, path, methods) {
        if (best == 0 || _version_of (path, &rest, &n) != best)
            continue;
        if (_is_path (rest, n, "node/{node_name}") &&
            json_object_get (methods, "post"))
            offer |= REST_HAS_NODE;
        if (_is_path (rest, n, "job/{job_id}/requeue"))
            offer |= REST_HAS_REQUEUE;
    }
    if (!json_is_object (paths))
        snprintf (text, text_len,
                  "what it answers to /openapi/v3 is no "
                  "description of what it offers");
    else if (best == 0)
        snprintf (text, text_len,
                  newest ? "it offers only up to v0.0.%u of Slurm's interface; "
                           "known are v0.0.%d to v0.0.%d"
                         : "it offers nothing (v0.0.%u) of Slurm's interface; "
                           "known are v0.0.%d to v0.0.%d",
                  newest, VERSION_MIN, VERSION_MAX);
    return best ? offer | best : 0;
}

/* Returns false, with [res] filled. */
static bool _rest_offers (const struct conf *conf, struct rest_result *res)
{
    cleanup_free char *answer = NULL;
    char why[200] = "";
    size_t len;
    long status;

    *res = (struct rest_result) { .verdict = REST_NOT };
    if (!conf->rest_url[0])
        return false;
    if (rest_offer)
        return true;
    answer = _rest_ask (conf, "/openapi/v3", NULL, &len, &status, res);
    if (!answer)
        return false;
    if (status != 200) {
        _rest_not (res, "%s: HTTP status %ld%s", conf->rest_url, status,
                   status == 401 || status == 403
                       ? ": the token is refused (has it expired?)"
                       : "");
        return false;
    }
    rest_offer = rest_negotiate (answer, len, why, sizeof (why));
    if (rest_offer)
        return true;
    _rest_not (res, "%s: %s", conf->rest_url, why);
    return false;
}

/* ---- what it says -------------------------------------------------------- */

static int _code_of (const json_t *error)
{
    static const char *const keys[] = { "error_number", "error_code", "errno" };

    for (size_t i = 0; i < sizeof (keys) / sizeof (keys[0]); i++) {
        const json_t *n = json_object_get (error, keys[i]);

        if (json_is_integer (n) && json_integer_value (n) != 0)
            return (int) json_integer_value (n);
    }
    return 0;
}

/* The first thing that went wrong: "errors", and what "results" has of each job. */
static const json_t *_first_error (const json_t *j)
{
    const json_t *errors = json_object_get (j, "errors");
    const json_t *results = json_object_get (j, "results");

    if (json_array_size (errors) > 0)
        return json_array_get (errors, 0);
    for (size_t i = 0; i < json_array_size (results); i++) {
        if (_code_of (json_array_get (results, i)))
            return json_array_get (results, i);
    }
    return NULL;
}

static bool _is_denied (int code)
{
    return code == CODE_ACCESS_DENIED || code == CODE_USER_ID_MISSING;
}

static bool _is_of_token (int code, long status)
{
    return status == 401 || status == 403 || code == CODE_AUTHENTICATION ||
           (code >= CODE_CREDENTIAL_MIN && code <= CODE_CREDENTIAL_MAX);
}

static void _rest_judge (const struct conf *conf, const char *answer,
                         size_t len, long status, struct rest_result *res)
{
    cleanup_json json_t *j = json_loadb (answer, len, 0, NULL);
    const json_t *error = _first_error (j);
    const char *text = json_string_value (json_object_get (error, "error"));
    int code = error ? _code_of (error) : 0;

    if (status == 404) /* another server than before: ask it anew */
        rest_offer = 0;
    if (status == 200 && json_is_object (j) && !error) {
        res->verdict = REST_DONE;
    } else if (_is_denied (code)) {
        _rest_not (res, "%s: its user is no operator of Slurm's: %.200s",
                   conf->rest_url, text ? text : "");
    } else if (code >= SLURM_CODE_MIN && code <= SLURM_CODE_MAX) {
        res->verdict = REST_FAILED;
        res->code = code;
    } else if (_is_of_token (code, status)) {
        _rest_not (res,
                   "%s: HTTP status %ld: the token is refused (has it "
                   "expired?): %d %.200s",
                   conf->rest_url, status, code, text ? text : "");
    } else if (error) {
        _rest_not (res, "%s: HTTP status %ld: %d %.200s%s", conf->rest_url,
                   status, code, text ? text : "",
                   code == CODE_UNEXPECTED
                       ? ": maybe the token is refused (has it expired?)"
                       : "");
    } else {
        _rest_not (res, "%s: HTTP status %ld%s", conf->rest_url, status,
                   j ? "" : ", and no JSON");
    }
}

/* Do it at "/slurm/VERSION/[path]". */
static void _rest_do (const struct conf *conf, const char *path,
                      const json_t *body, struct rest_result *res)
{
    cleanup_free char *text = body ? json_dumps (body, JSON_COMPACT) : NULL;
    cleanup_free char *whole = NULL, *answer = NULL;
    size_t len;
    long status;

    if ((body && !text) ||
        asprintf (&whole, "/slurm/v0.0.%u/%s",
                  (unsigned) REST_VERSION (rest_offer), path) < 0) {
        whole = NULL;
        _rest_not (res, "out of memory");
        return;
    }
    answer = _rest_ask (conf, whole, text, &len, &status, res);
    if (answer)
        _rest_judge (conf, answer, len, status, res);
}

/* [name] as a part of a path.  Returns false: there is no need to try. */
static bool _is_plain (const char *name)
{
    return name[0] &&
           name[strspn (name, "abcdefghijklmnopqrstuvwxyz"
                              "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")] ==
               '\0';
}

void rest_comment (const struct conf *conf, const char *id, const char *text,
                   const char *admin, bool *admin_set, struct rest_result *res)
{
    cleanup_json json_t *body = NULL;
    char path[96];
    bool both;

    if (!_rest_offers (conf, res))
        return;
    /* newer ones refuse a member of an array, older ones take it: libslurm */
    if (!_is_plain (id) || strpbrk (id, "_+")) {
        _rest_not (res, "slurmrestd does not take %.40s", id);
        return;
    }
    body = json_pack ("{s:s}", "comment", text);
    if (!body) { /* that would be a GET */
        _rest_not (res, "the comment is no UTF-8");
        return;
    }
    both = admin && REST_VERSION (rest_offer) >= VERSION_ADMIN_COMMENT;
    if (both)
        json_object_set_new (body, "admin_comment", json_string (admin));
    snprintf (path, sizeof (path), "job/%.40s", id);
    _rest_do (conf, path, body, res);
    *admin_set = both && res->verdict == REST_DONE;
}

void rest_requeue (const struct conf *conf, const char *id, bool hold,
                   struct rest_result *res)
{
    char path[96];

    if (!_rest_offers (conf, res))
        return;
    if (!(rest_offer & REST_HAS_REQUEUE) || !_is_plain (id)) {
        _rest_not (res, "v0.0.%u cannot requeue",
                   (unsigned) REST_VERSION (rest_offer));
        return;
    }
    snprintf (path, sizeof (path), "job/%.40s/requeue%s", id,
              hold ? "?flags=Hold" : "");
    _rest_do (conf, path, NULL, res);
}

void rest_drain (const struct conf *conf, const char *name, const char *reason,
                 struct rest_result *res)
{
    cleanup_json json_t *body = NULL;
    char path[300];

    if (!_rest_offers (conf, res))
        return;
    if (!(rest_offer & REST_HAS_NODE) || !_is_plain (name)) {
        _rest_not (res, "v0.0.%u cannot update a node",
                   (unsigned) REST_VERSION (rest_offer));
        return;
    }
    body = json_pack ("{s:[s], s:s}", "state", "DRAIN", "reason", reason);
    if (!body) {
        _rest_not (res, "the reason is no UTF-8");
        return;
    }
    snprintf (path, sizeof (path), "node/%.250s", name);
    _rest_do (conf, path, body, res);
}
