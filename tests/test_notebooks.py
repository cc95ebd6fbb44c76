"""Every notebook runs from top to bottom, and is stored without output."""

from pathlib import Path

import matplotlib
import nbformat
import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / 'notebooks').glob('*.ipynb'))


def test_there_are_notebooks():
    names = {path.stem for path in NOTEBOOKS}
    assert {'jetbot_actions', 'toroidal_dot_actions'} <= names


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    content = nbformat.read(request.param, as_version=4)
    nbformat.validate(content)
    return content


def test_it_is_stored_without_output(notebook):
    code = [cell for cell in notebook.cells if cell.cell_type == 'code']
    assert [cell for cell in code if cell.outputs or cell.execution_count] == []


@pytest.mark.filterwarnings('ignore:FigureCanvasAgg is non-interactive')
def test_it_runs_from_top_to_bottom(notebook, capsys):
    from matplotlib import pyplot

    matplotlib.use('agg')
    names: dict = {'__name__': '__main__'}
    try:
        for cell in notebook.cells:
            if cell.cell_type == 'code':
                exec(compile(cell.source, 'notebook cell', 'exec'), names)
    finally:
        pyplot.close('all')
        for thing in ('robot', 'simulation'):
            if names.get(thing) is not None:
                names[thing].close()
    assert capsys.readouterr().out
