"""The catalogue's formulas, which are plain text, as HTML that reads like mathematics."""

import re
from html import escape

GREEK = dict(
    zip(
        "alpha beta gamma delta epsilon eta theta kappa lambda mu nu pi rho sigma tau phi chi psi omega"
        " Gamma Delta Theta Lambda Sigma Phi Psi Omega".split(),
        "αβγδεηθκλμνπρστφχψωΓΔΘΛΣΦΨΩ",
        strict=True,
    )
)
SYMBOLS = {
    "infinity": "∞",
    "grad": "∇",
    "sum": "∑",
    "prod": "∏",
    "sqrt": "√",
    "<-": "←",
    "->": "→",
    "<=": "≤",
    ">=": "≥",
    "!=": "≠",
    "||": "‖",
    "-": "\N{MINUS SIGN}",
    "~": "\N{TILDE OPERATOR}",
    "'": "\N{PRIME}",
}
TOKEN = re.compile(r"[A-Za-z]{2,}'s\b|[A-Za-z]+|<-|->|<=|>=|!=|\|\||.", re.DOTALL)
SCRIPT = re.compile(r"-?[A-Za-z0-9]+")
INNER_PRODUCT = re.compile(r"(?<![\w)\]}'|])<(?=[^\s=-])([^<>]*)>")
TAGS = {"_": "sub", "^": "sup"}


def formula_in_html(formula: str) -> str:
    """`formula` with Greek letters, signs, scripts, and variables in italics; safe to put into a page.

    "_" and "^" take one name, one number with its sign, or one bracket, which is dropped. What is
    not known stands as it was written.
    """
    return _html(INNER_PRODUCT.sub(r"⟨\1⟩", formula))


def _html(text: str) -> str:
    pieces, place = [], 0
    while place < len(text):
        script, after = _script(text, place)
        if script:
            tag = TAGS[text[place]]
            pieces.append(f"<{tag}>{_html(script)}</{tag}>")
            place = after
        else:
            token = TOKEN.match(text, place).group()
            place += len(token)
            pieces.append(_in_html(token))
    return "".join(pieces)


def _script(text: str, place: int) -> tuple[str, int]:
    """What stands below or above the line from `place` on, and where the line goes on; nothing for no script."""
    if text[place] not in TAGS:
        return "", place
    opening = text[place + 1 : place + 2]
    if opening in ("(", "{"):
        closing, depth = {"(": ")", "{": "}"}[opening], 0
        for end in range(place + 1, len(text)):
            depth += (text[end] == opening) - (text[end] == closing)
            if depth == 0:
                return text[place + 2 : end], end + 1
    match = SCRIPT.match(text, place + 1)
    return (match.group(), match.end()) if match else ("", place)


def _in_html(token: str) -> str:
    symbol = GREEK.get(token) or SYMBOLS.get(token)
    if symbol:
        return symbol
    is_variable = len(token) == 1 and token.isascii() and token.isalpha() and token != "E"  # an expectation
    return f"<i>{token}</i>" if is_variable else escape(token, quote=False)
