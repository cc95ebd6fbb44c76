"""What can go wrong with a run, each told in one line."""


class RunError(ValueError):
    """A run folder cannot be used: its path and the way out."""


class TeamError(RuntimeError):
    """A process of a team is gone."""


#: Characters of a line about an error; some libraries put all that they hold into one.
LONGEST = 1000


def one_line(error: BaseException | str) -> str:
    """Return what an error says in one line; of a very long one beginning and end."""
    text = ' '.join(str(error).split())
    if len(text) <= LONGEST:
        return text
    return f'{text[: LONGEST // 2]} … {text[3 - LONGEST // 2 :]}'
