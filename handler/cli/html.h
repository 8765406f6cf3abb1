/* html.h - pages that need nothing but themselves
 *
 * No script, no font, no picture from elsewhere (a Content-Security-Policy says so to the
 * browser, too); light or dark as the reader's system is; each part can be reached by
 * keyboard, and each drawing has its words.
 */
#ifndef MW_HTML_H
#define MW_HTML_H

#include <stdio.h>

/* Write [text], a stranger's, as text of HTML, of SVG, or of a quoted attribute. */
void html_text (FILE *out, const char *text);

/* Begin a page called [title]; end it. */
void html_begin (FILE *out, const char *title);
void html_end (FILE *out);

/* Begin a table that can be scrolled, its [caption], and these [n] heads of columns: with
 *   numbers in those behind the first [texts]. */
void html_table (FILE *out, const char *caption, const char *const *head,
                 size_t n, size_t texts);
void html_table_end (FILE *out);

#endif /* !MW_HTML_H */
