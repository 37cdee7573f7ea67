"""A model's card as part of a page: its Markdown without links, pictures or markup of its own."""

from markdown_it import MarkdownIt
from markupsafe import Markup

_HEADINGS = {"h1": "h3", "h2": "h4", "h3": "h5"}


def card_markup(card: str) -> Markup:
    """Turn a card into markup that stands below a heading of the second level.

    Args:
        card: Markdown; words in it may hold anything.
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.disable(["autolink", "image", "link", "html_inline", "html_block", "reference"])
    tokens = parser.parse(card)
    for token in tokens:
        token.tag = _HEADINGS.get(token.tag, token.tag)
        if token.type == "th_open":
            token.attrSet("scope", "col")
        token.attrs.pop("style", None)  # how a column is aligned, which the page's policy forbids
    markup = parser.renderer.render(tokens, parser.options, {})
    return Markup(markup)  # noqa: S704 - the parser escapes all words
