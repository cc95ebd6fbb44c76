"""The error of everything that reads or writes bags."""


class BagError(ValueError):
    """A bag cannot be read or written: one line with its path, what is wrong, and the way out."""


def one_line(error: BaseException) -> str:
    """Return what an error of a library says, in one line."""
    words = ' '.join(str(error).split())
    return words or type(error).__name__
