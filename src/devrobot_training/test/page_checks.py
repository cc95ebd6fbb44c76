"""What every HTML page of the project must be: well-formed, alone, and described."""

from html.parser import HTMLParser
import re

VOID = ('img', 'meta', 'br', 'link')
INSIDE = ('#', 'data:')


class Checker(HTMLParser):
    """Collects tags that are not closed, anchors, and what would be loaded or followed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.sources: list[str] = []
        self.ids: list[str] = []
        self.headings_without_anchor = 0
        self.images = self.alts = 0

    def handle_starttag(self, tag, attributes):
        if tag not in VOID:
            self.open.append(tag)
        given = dict(attributes)
        self.images += tag == 'img'
        self.alts += tag == 'img' and bool(given.get('alt'))
        self.ids += [given['id']] if 'id' in given else []
        self.headings_without_anchor += tag in ('h2', 'h3') and 'id' not in given
        self.sources += [given[name] for name in ('src', 'href', 'srcset') if name in given]

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def check_page(text: str) -> Checker:
    """Check what holds for any page, and return what it is made of."""
    checker = Checker()
    checker.feed(text)
    assert checker.open == [], 'tags that are not closed'
    assert checker.images == checker.alts, 'pictures without a description'
    assert len(set(checker.ids)) == len(checker.ids), 'an anchor twice'
    assert checker.headings_without_anchor == 0
    words = re.sub(r'base64,[^"]*', '', text).replace('http-equiv', '')
    assert 'http' not in words
    assert not any('//' in source for source in checker.sources if source[:5] != 'data:')
    assert 'url(' not in words and '@import' not in words
    inside = {source[1:] for source in checker.sources if source.startswith('#')}
    assert inside <= set(checker.ids), 'a link to nowhere in the page'
    return checker


def links(checker: Checker) -> list[str]:
    """Return where the page leads to."""
    return [source for source in checker.sources if not source.startswith(INSIDE)]
