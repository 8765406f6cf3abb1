/* html.c - pages that need nothing but themselves */
#include "handler/cli/html.h"

#include <stdlib.h>
#include <string.h>

#include "lib/cleanup.h"
#include "lib/err.h"

void html_text (FILE *out, const char *text)
{
    cleanup_free char *tame = strdup (text);

    if (!tame)
        return;
    mw_tame (tame, "\n");
    for (const char *p = tame; *p; p++) {
        switch (*p) {
        case '&':
            fputs ("&amp;", out);
            break;
        case '<':
            fputs ("&lt;", out);
            break;
        case '>':
            fputs ("&gt;", out);
            break;
        case '"':
            fputs ("&quot;", out);
            break;
        case '\'':
            fputs ("&#39;", out);
            break;
        default:
            fputc (*p, out);
        }
    }
}

/* Colours that have 4.5:1 at least on their ground, in both; what they say is said by
 * form or words, too. */
static const char style[] =
    ":root{color-scheme:light dark;--ground:#fff;--text:#1a1a1a;--soft:#595959;"
    "--line:#c4c4c4;--panel:#f4f4f4;--use:#0b5cad;--reservation:#1a7f37;"
    "--limit:#b3261e;--reserve:#f3d9d7;--other:#595959;--step:#7a3e9d}\n"
    "@media(prefers-color-scheme:dark){:root{--ground:#16181c;--text:#ececec;"
    "--soft:#b0b3b8;--line:#4a4d52;--panel:#22252b;--use:#6cb2ff;"
    "--reservation:#5fd07e;--limit:#ff8a80;--reserve:#4b2b2b;--other:#b0b3b8;"
    "--step:#d9a4f5}}\n"
    "body{margin:0 auto;max-width:75rem;padding:1rem;background:var(--ground);"
    "color:var(--text);font:1rem/1.5 system-ui,sans-serif}\n"
    "h1{font-size:1.5rem}h2{font-size:1.2rem;margin-top:2rem}\n"
    "a{color:var(--use)}a.skip{position:absolute;left:-99rem}"
    "a.skip:focus{left:1rem;top:.5rem;background:var(--ground);padding:.3rem}\n"
    ":focus-visible{outline:3px solid var(--use);outline-offset:2px}\n"
    ".scroll{overflow-x:auto}\n"
    "table{border-collapse:collapse;width:100%}"
    "caption{text-align:left;font-weight:600;padding:.5rem 0}\n"
    "th,td{padding:.3rem .6rem;border-bottom:1px solid var(--line);"
    "text-align:left;vertical-align:top}thead th{background:var(--panel)}\n"
    ".n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}\n"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem}"
    "dt{color:var(--soft)}dd{margin:0}\n"
    "svg{width:100%;height:auto;background:var(--panel);border:1px solid "
    "var(--line)}svg text{fill:var(--text);font:12px system-ui,sans-serif}\n"
    "svg .soft{fill:var(--soft)}svg .grid{stroke:var(--line)}\n"
    "svg .use{stroke:var(--use);fill:none;stroke-width:2.5}"
    "svg .dot{fill:var(--use)}\n"
    "svg .reservation{stroke:var(--reservation);fill:none;stroke-width:2;"
    "stroke-dasharray:8 4}\n"
    "svg .limit{stroke:var(--limit);fill:none;stroke-width:2}"
    "svg .reserve{fill:var(--reserve)}\n"
    "svg .other{stroke:var(--other);fill:none;stroke-width:1.5;"
    "stroke-dasharray:2 3}\n"
    "svg .step{fill:none;stroke:var(--step);stroke-dasharray:4 3}"
    "svg .mark{fill:var(--step)}"
    "svg a:focus .mark,svg a:hover .mark{stroke:var(--text);stroke-width:3}\n"
    "svg .bar-use{fill:var(--use)}svg .bar-over{fill:none;stroke:"
    "var(--reservation);stroke-width:1.5}svg .bar-killed{fill:var(--limit)}"
    "svg .bar-other{fill:var(--other)}\n"
    "@media print{svg{break-inside:avoid}}\n";

void html_begin (FILE *out, const char *title)
{
    fputs ("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
           "<meta charset=\"utf-8\">\n"
           "<meta http-equiv=\"Content-Security-Policy\" content=\""
           "default-src 'none'; style-src 'unsafe-inline'\">\n"
           "<meta name=\"viewport\" content=\"width=device-width, "
           "initial-scale=1\">\n<meta name=\"referrer\" "
           "content=\"no-referrer\">\n<title>",
           out);
    html_text (out, title);
    fprintf (out,
             "</title>\n<style>\n%s</style>\n</head>\n<body>\n"
             "<a class=\"skip\" href=\"#main\">To the content</a>\n"
             "<header><h1>",
             style);
    html_text (out, title);
    fputs ("</h1></header>\n<main id=\"main\">\n", out);
}

void html_end (FILE *out)
{
    fputs ("</main>\n</body>\n</html>\n", out);
}

void html_table (FILE *out, const char *caption, const char *const *head,
                 size_t n, size_t texts)
{
    fputs ("<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
           "aria-label=\"",
           out);
    html_text (out, caption);
    fputs ("\">\n<table>\n<caption>", out);
    html_text (out, caption);
    fputs ("</caption>\n<thead><tr>", out);
    for (size_t i = 0; i < n; i++) {
        fprintf (out, "<th scope=\"col\"%s>", i < texts ? "" : " class=\"n\"");
        html_text (out, head[i]);
        fputs ("</th>", out);
    }
    fputs ("</tr></thead>\n<tbody>\n", out);
}

void html_table_end (FILE *out)
{
    fputs ("</tbody>\n</table>\n</div>\n", out);
}
