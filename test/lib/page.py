#!/usr/bin/env python3
"""Is a page whole, by itself, and for everybody?  page.py FILE [--text]

Prints what is wrong, one a line: tags that are not closed, script, anything that would be
fetched, links that lead nowhere, drawings that are no XML or have no words, tables without
caption or heads, colours that are hard to read.  --text: what is read of it, instead.
"""
import html.parser
import re
import sys
import xml.etree.ElementTree

VOID = {'meta', 'br', 'hr', 'img', 'link', 'input'}
FETCHES = {'src', 'srcset', 'data', 'poster', 'action', 'formaction', 'background', 'ping'}


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.wrong, self.ids, self.links = [], [], [], []
        self.text, self.count, self.attributes = [], {}, {}

    def handle_starttag(self, tag, attrs):
        self.count[tag] = self.count.get(tag, 0) + 1
        if tag not in VOID:
            self.open.append(tag)
        a = dict(attrs)
        self.attributes.setdefault(tag, []).append(a)
        if len(a) != len(attrs):
            self.wrong.append('<%s> has an attribute twice' % tag)
        for name, value in attrs:
            if name.startswith('on') or name in FETCHES:
                self.wrong.append('<%s %s=%r>' % (tag, name, value))
            if name in ('href', 'xlink:href'):
                self.links.append(value)
            if name == 'id':
                self.ids.append(value)
        if tag in ('script', 'iframe', 'object', 'embed', 'img', 'link', 'base', 'form', 'image',
                   'foreignobject', 'use'):
            self.wrong.append('there is a <%s>' % tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open[-1] != tag:
            self.wrong.append('</%s> within <%s>' % (tag, '/'.join(self.open)))
        if tag in self.open:
            while self.open.pop() != tag:
                pass

    def handle_data(self, data):
        if self.open and self.open[-1] != 'style':
            self.text.append(data)


def luminance(colour):
    rgb = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)] if len(colour) == 7 else \
          [int(c * 2, 16) / 255 for c in colour[1:]]
    rgb = [c / 12.92 if c <= .04045 else ((c + .055) / 1.055) ** 2.4 for c in rgb]
    return .2126 * rgb[0] + .7152 * rgb[1] + .0722 * rgb[2]


def colours(source):
    """WCAG 2.1, 1.4.3: 4.5:1 for text."""
    wrong = []
    for number, block in enumerate(re.findall(r':root\{([^}]*)\}', source)):
        of = dict(re.findall(r'--([a-z]+):(#[0-9a-f]+)', block))
        for ground in ('ground', 'panel'):
            for name in ('text', 'soft', 'use', 'reservation', 'limit', 'step', 'other'):
                a, b = sorted((luminance(of[name]), luminance(of[ground])))
                ratio = (b + .05) / (a + .05)
                if ratio < 4.5:
                    wrong.append('--%s on --%s has %.1f:1 (%d)' % (name, ground, ratio, number))
    return wrong


def check(source):
    page = Page()
    page.feed(source)
    page.close()
    wrong = page.wrong + ['<%s> is not closed' % t for t in page.open]
    wrong += ['the id %s is there twice' % i for i in set(page.ids) if page.ids.count(i) > 1]
    wrong += ['the link %s leads nowhere' % h for h in page.links
              if not h.startswith('#') or h[1:] not in page.ids]
    if not page.attributes.get('html', [{}])[0].get('lang'):
        wrong.append('no language')
    if "default-src 'none'" not in str(page.attributes.get('meta')):
        wrong.append('no Content-Security-Policy')
    if 'prefers-color-scheme:dark' not in source or 'color-scheme:light dark' not in source:
        wrong.append('not light and dark')
    if re.search(r'@import|url\(', source):
        wrong.append('style fetches something')
    drawings = re.findall(r'<svg.*?</svg>', source, re.S)
    if not drawings:
        wrong.append('no drawing')
    for svg in drawings:
        try:
            root = xml.etree.ElementTree.fromstring(svg)
        except xml.etree.ElementTree.ParseError as why:
            wrong.append('a drawing is no XML: %s' % why)
            continue
        names = [e.tag.split('}')[1] for e in root]
        if names[:2] != ['title', 'desc'] or not root[0].text or not root[1].text:
            wrong.append('a drawing without words')
        for label in root.get('aria-labelledby', 'none').split():
            if label not in page.ids:
                wrong.append('a drawing is labelled by %s, which is not there' % label)
        wrong += ['a link in a drawing without a label' for a in root.iter()
                  if a.tag.endswith('}a') and not a.get('aria-label')]
        wrong += ['NaN or inf in a drawing' for e in root.iter() for v in e.attrib.values()
                  if re.search(r'\b(nan|inf)\b', v)]
    tables = page.count.get('table', 0)
    if tables == 0 or page.count.get('caption', 0) != tables or 'scope="col"' not in source:
        wrong.append('a table without caption or heads')
    return page, wrong + colours(source)


def main():
    source = open(sys.argv[1], encoding='utf-8').read()
    page, wrong = check(source)
    print(' '.join(' '.join(page.text).split()) if '--text' in sys.argv else '\n'.join(wrong))


if __name__ == '__main__':
    main()
