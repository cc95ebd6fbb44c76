"""Charts keep what they are given: extremes, gaps, and round ticks; checked by hand."""

import math
import re

from devrobot_training.pages.charts import Bars, Chart, Line, smooth, thin
from devrobot_training.pages.curves import draw_chart, draw_sparkline
from devrobot_training.pages.numbers import below, count, duration, rate
from devrobot_training.pages.scales import scale_of, tick_text
from hypothesis import given
from hypothesis import strategies as st
import pytest


def chart(y, *, log=True, **changes) -> Chart:
    line = Line(x=range(len(y)), y=y, name='a')
    return Chart(
        title='t', alt='what is seen', x_name='x', y_name='y', lines=[line], log=log, **changes
    )


def test_thinning_keeps_extremes_and_order():
    values = [0.5] * 10_000
    values[1234], values[8765] = 0.001, 9.0
    x, y = thin(range(10_000), values, 100)
    assert len(x) <= 100 and x == sorted(x)
    assert (min(y), max(y)) == (0.001, 9.0)
    assert x[y.index(9.0)] == 8765


def test_thinning_keeps_gaps():
    values = [0.5 + 0.1 * (place % 7) for place in range(10_000)]
    values[3333] = values[7777] = None
    x, y = thin(range(10_000), values, 100)
    assert [at for at, value in zip(x, y, strict=True) if value is None] == [3333, 7777]
    assert x == sorted(x) and len(x) <= 102
    drawn = str(draw_chart(chart(values)))
    path = next(part for part in drawn.split('"') if part.startswith('M') and 'L' in part)
    assert path.count('M') == 3


def test_few_points_are_kept_as_they_are():
    assert thin([1, 2], [None, 3.0]) == ([1, 2], [None, 3.0])


def test_smoothing_is_the_mean_of_the_neighbours_and_keeps_gaps():
    assert smooth([1.0, 2.0, 6.0], share=0.1) == [1.5, 3.0, 4.0]
    assert smooth([1.0, None, 3.0], share=0.1) == [1.0, None, 3.0]
    assert smooth([1.0, math.inf, 3.0], share=0.1)[0] == 1.0


def test_a_gap_and_what_has_no_logarithm_break_the_line():
    drawn = str(draw_chart(chart([1.0, 2.0, None, 3.0, 0.0, 4.0])))
    path = next(part for part in drawn.split('"') if part.startswith('M') and 'L' in part)
    assert path.count('M') == 3 and path.count('L') == 1


def test_higher_values_are_higher_up_and_inside():
    drawn = str(draw_chart(chart([0.01, 0.1]), 400, 200))
    path = next(part for part in drawn.split('"') if part.startswith('M') and 'L' in part)
    (x1, y1), (x2, y2) = (map(float, p.split()) for p in path[1:].split('L'))
    assert 0 < x1 < x2 < 400 and 200 > y1 > y2 > 0


def test_long_numbers_have_room_beside_the_name_of_their_axis():
    drawn = str(draw_chart(chart([0.0198, 0.0213, 0.0251, 0.027])))
    labels = re.findall(r'x="([\d.]+)"[^>]*text-anchor="end">([^<]+)<', drawn)
    assert max(len(text) for _, text in labels) >= 6
    # 9 px for each letter, and a line of 18 px for the name.
    assert all(float(x) - 9 * len(text) >= 18 for x, text in labels)


@pytest.mark.parametrize('y', [[], [None], [math.nan], [0.0], [5.0], [1e-9, 1e9], [-1.0, 2.0]])
@pytest.mark.parametrize('log', [True, False])
def test_odd_values_give_a_drawing_without_numbers_that_are_none(y, log):
    drawn = str(draw_chart(chart(y, log=log)))
    assert 'nan' not in drawn and 'inf' not in drawn and drawn.endswith('</svg>')


def test_a_chart_without_values_knows_that_it_is_empty():
    assert chart([None, math.nan]).is_empty and chart([0.0]).is_empty
    assert not chart([0.0], log=False).is_empty
    assert not Chart(
        title='', alt='', x_name='', y_name='', bars=Bars(edges=(0, 1), counts=(3,))
    ).is_empty


def test_what_is_seen_is_said_and_escaped():
    drawn = str(draw_chart(Chart(title='', alt='<"&', x_name='<i>', y_name='', lines=[])))
    assert 'aria-label="&lt;&#34;&amp;"' in drawn and '&lt;i&gt;' in drawn


def test_sparklines_need_two_values():
    assert str(draw_sparkline([])) == str(draw_sparkline([1.0, None])) == ''
    assert 'from 1 to 0.5' in str(draw_sparkline([1.0, None, 0.5]))


def test_ticks_are_round_and_inside():
    assert scale_of([0, 1000], 0, 100).ticks() == [0, 200, 400, 600, 800, 1000]
    found = scale_of([0.005, 0.05], 0, 100, log=True).ticks()
    assert found == pytest.approx([0.005, 0.01, 0.02, 0.05])


@given(
    st.lists(st.floats(1e-12, 1e12), min_size=1, max_size=5),
    st.booleans(),
    st.floats(0, 0.2),
)
def test_every_scale_has_a_place_for_its_values_and_a_tick_or_more(values, log, pad):
    scale = scale_of(values, 10, 110, log=log, pad=pad)
    assert all(9.9 <= scale.at(value) <= 110.1 for value in values)
    ticks = scale.ticks()
    assert 1 <= len(ticks) <= 14 and all(9 <= scale.at(tick) <= 111 for tick in ticks)


@pytest.mark.parametrize(
    ('value', 'text'),
    [(0, '0'), (0.02, '0.02'), (0.0003, '3e-4'), (1500, '1500'), (25_000, '25k'), (3e6, '3M')],
)
def test_ticks_are_short(value, text):
    assert tick_text(value) == text


@pytest.mark.parametrize(
    ('value', 'text'),
    [
        (None, '–'), (0.0421, '0.0421 s'), (7.25, '7.25 s'), (42.4, '42 s'), (59.7, '60 s'),
        (83, '1 min 23 s'), (3599.6, '1 h 00 min'), (7835, '2 h 11 min'), (90_000, '1 d 01 h'),
    ],
)  # fmt: skip
def test_times_have_two_units(value, text):
    assert duration(value) == text


@pytest.mark.parametrize(
    ('value', 'text'),
    [(3e-4, '3e-4'), (2.5e-5, '2.5e-5'), (1.0, '1'), (0.123, '1.23e-1'), (None, '–'), (0.0, '0')],
)
def test_rates_are_as_in_settings(value, text):
    assert rate(value) == text


def test_counts_and_comparisons_are_for_people():
    assert (count(1234567), count(None)) == ('1\u202f234\u202f567', '–')
    assert below(0.5, 1.0) == '50.0 % below' and below(2.0, 1.0) == '100.0 % above'
    assert below(1.0, 1.0) == 'the same as'
