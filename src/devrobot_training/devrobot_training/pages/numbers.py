"""Numbers for people: three significant digits, with a unit where there is one."""

import math

MISSING = '–'
UNKNOWN = 'not measured'


def number(value: float | None, digits: int = 3) -> str:
    """Return a number with three significant digits, or more if it has them before the point."""
    if value is None:
        return UNKNOWN
    if not value:
        return '0'
    magnitude = math.floor(math.log10(abs(value)))
    if magnitude < -5:
        return f'{value:.{digits}g}'
    return f'{value:.{max(0, digits - 1 - magnitude)}f}'


def percent(value: float | None) -> str:
    """Return a share for people."""
    return UNKNOWN if value is None else f'{100 * value:.1f} %'


def cell(value: float | None) -> str:
    """Return a number of a table, or a dash."""
    return MISSING if value is None else number(value)


def count(value: int | None) -> str:
    """Return a whole number with its thousands set apart, or a dash."""
    return MISSING if value is None else f'{value:,}'.replace(',', '\u202f')


def rate(value: float | None) -> str:
    """Return a learning rate the way it is written in settings, such as 3e-4; or a dash."""
    if value is None:
        return MISSING
    mantissa, _, exponent = f'{value:.2e}'.partition('e')
    mantissa = mantissa.rstrip('0').rstrip('.')
    return mantissa if not int(exponent) else f'{mantissa}e{int(exponent)}'


def duration(seconds: float | None) -> str:
    """Return a time in its two largest units, or a dash."""
    if seconds is None:
        return MISSING
    if seconds < 60:
        return f'{number(seconds)} s' if seconds < 10 else f'{seconds:.0f} s'
    whole = round(seconds)
    if whole < 3600:
        return f'{whole // 60} min {whole % 60:02} s'
    minutes = round(seconds / 60)
    if minutes < 24 * 60:
        return f'{minutes // 60} h {minutes % 60:02} min'
    hours = round(seconds / 3600)
    return f'{hours // 24} d {hours % 24:02} h'


def below(value: float, other: float) -> str:
    """Return in words how much lower, or higher, a loss is than another one."""
    if not other:
        return 'the same as' if not value else 'above'
    gain = 1 - value / other
    if abs(gain) < 0.0005:
        return 'the same as'
    return f'{percent(abs(gain))} {"below" if gain > 0 else "above"}'
