"""The frame of a page, and the parts that every page is made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from t7convert._version import __version__
from t7convert.page.style import CSS, SCRIPT

#: Nothing is fetched, whatever a file's strings may say.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"


def document(title: str, sections: Sequence[tuple[str, str, str]], lead: str) -> str:
    """Return a whole page.

    Args:
        title: plain text.
        sections: (id, heading, HTML) of each part.
        lead: HTML in front of them.
    """
    links = "".join(f'<a href="#{name}">{escape(heading)}</a>' for name, heading, _ in sections)
    parts = "".join(
        f'<section id="{name}" aria-labelledby="{name}-h"><h2 id="{name}-h">{escape(heading)}</h2>'
        f"{body}</section>"
        for name, heading, body in sections
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{CSS}</style></head>\n"
        '<body><a class="skip" href="#main">Skip to the content</a>'
        f'<main id="main"><h1>{escape(title)}</h1>{lead}'
        f'<nav aria-label="Sections">{links}</nav>\n{parts}'
        f'<p class="dim">t7convert {__version__}</p></main>\n'
        f"<script>{SCRIPT}</script></body></html>\n"
    )


def definitions(pairs: Mapping[str, str]) -> str:
    """Return terms and their plain text as a list."""
    rows = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in pairs.items())
    return f'<dl class="card">{rows}</dl>'


def facts(cards: Iterable[tuple[str, str, bool | None]]) -> str:
    """Return cards of (figure, text, whether it is good); None is neither."""
    tone = {True: "ok", False: "bad", None: ""}
    items = "".join(
        f'<li class="card"><b class="{tone[good]}">{escape(figure)}</b>{escape(text)}</li>'
        for figure, text, good in cards
    )
    return f'<ul class="facts">{items}</ul>'


def table(
    name: str, heads: Sequence[str], rows: Iterable[tuple[bool, str]], *, flagged: bool
) -> str:
    """Return a table with a filter; ``rows`` are (whether fine, the cells' HTML)."""
    body = "".join(f'<tr data-ok="{int(fine)}">{cells}</tr>' for fine, cells in rows)
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    only = '<label><input type="checkbox">only what fails</label>' if flagged else ""
    return (
        f'<div class="tools" data-filter="{name}">'
        '<input type="search" placeholder="Filter the rows" aria-label="Filter the rows">'
        f'{only}<output class="dim"></output></div>'
        f'<div class="scroll" tabindex="0" role="region" aria-label="Table">'
        f'<table id="{name}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )
