"""Numbers for people to read: three significant digits, and a unit."""

import math


def duration(seconds: float | None) -> str:
    """A time with three digits and a unit.

    >>> duration(0.0000401), duration(12.3)
    ('40.1 us', '12.3 s')
    """
    if seconds is None or math.isnan(seconds):
        return ""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size * 0.9995:
            return f"{digits(seconds / size)} {unit}"
    return f"{digits(seconds / 1e-9)} ns"


def printable(text: str) -> str:
    r"""A text with escapes for control characters, line breaks and other characters that are not visible.

    >>> printable("red\x1b[0m"), printable("two\nlines")
    ('red\\x1b[0m', 'two\\nlines')
    """
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


def counted(number: int, thing: str) -> str:
    """A count with its noun, in the plural unless it is one.

    >>> counted(1, "core"), counted(3000, "epoch")
    ('1 core', '3000 epochs')
    """
    return f"{number} {thing}{'' if number == 1 else 's'}"


def digits(value: float, significant: int = 3) -> str:
    """A number with this many significant digits, and no exponent unless it is very large or small.

    >>> digits(0.01234), digits(1.5), digits(488.4), digits(12345.6), digits(1.234e300)
    ('0.0123', '1.50', '488', '12300', '1.23e+300')
    """
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    if not 1e-12 < abs(value) < 1e15:
        return f"{value:.{significant - 1}e}"
    places = significant - 1 - math.floor(math.log10(abs(float(f"{value:.{significant - 1}e}"))))
    return f"{round(value, places):.{max(0, places)}f}"
