"""The files of an evaluation: its data, its pictures and its page."""

from pathlib import Path

from devrobot_interfaces_py.atomic import atomic_path, write_json, write_text
from devrobot_training.evaluation.evaluate import Evaluation
from devrobot_training.evaluation.page import render_page
from devrobot_training.evaluation.pictures import draw_all
from devrobot_training.evaluation.result import to_dict

DATA, PAGE = 'evaluation.json', 'report.html'


def write_evaluation(
    evaluation: Evaluation, folder: Path, *, title: str, facts: dict[str, str]
) -> Path:
    """
    Write ``evaluation.json``, one PNG per picture and ``report.html``; return the page.

    :param facts: what else the page says about the model, by name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    data = to_dict(evaluation)
    write_json(folder / DATA, data)
    pictures = {}
    for name, figure in draw_all(evaluation, data).items():
        path = folder / f'{name}.png'
        with atomic_path(path) as temporary:
            figure.savefig(temporary, format='png')
        pictures[name] = path.read_bytes()
    write_text(folder / PAGE, render_page(data, pictures, title=title, facts=facts))
    return folder / PAGE
