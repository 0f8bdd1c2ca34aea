# SPDX-License-Identifier: BSD-3-Clause
"""Every plot draws on the Axes it is given, returns them, and shows as many things as there are in the data."""

import numpy as np
import public_functions
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from networks import plastic_network

import synergic as sy
from synergic import plots
from synergic.errors import ParameterError
from synergic.hw_targets import map_network


@pytest.fixture
def axes():
    figure = Figure()
    FigureCanvasAgg(figure)
    return figure.subplots()


def test_a_raster_has_a_mark_a_spike(axes):
    spikes = np.zeros((7, 5), int)
    spikes[0, 4] = spikes[6, 0] = spikes[3, 2] = 1
    assert plots.raster(axes, spikes, "layer") is axes
    (marks,) = axes.collections
    # step m = 1 .. T along x, neuron along y
    assert {tuple(at) for at in marks.get_offsets()} == {(1, 4), (7, 0), (4, 2)}
    assert axes.get_xlim() == (0.5, 7.5)
    assert axes.get_ylim() == (-1, 5)
    assert axes.get_title() == "layer"


def test_a_raster_without_spikes_is_empty_and_keeps_its_frame(axes):
    assert plots.raster(axes, np.zeros((4, 3), int)) is axes
    assert sum(len(c.get_offsets()) for c in axes.collections) == 0
    assert axes.get_xlim() == (0.5, 4.5)


def test_membranes_have_a_line_a_neuron_in_units_of_the_threshold(axes):
    u = np.random.default_rng(0).normal(size=(6, 3))
    assert plots.membrane(axes, u, 0.4) is axes
    *lines, threshold = axes.lines
    assert len(lines) == 3
    for i, line in enumerate(lines):
        assert line.get_xdata().tolist() == [1, 2, 3, 4, 5, 6]
        assert line.get_ydata() == pytest.approx(u[:, i] / 0.4)
    assert set(threshold.get_ydata()) == {1}
    assert threshold.get_linestyle() == "--"
    assert axes.get_legend() is None


def test_membranes_are_labelled_on_request(axes):
    plots.membrane(axes, np.zeros((6, 3)), 0.4, labels=range(3))
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["0", "1", "2"]


@pytest.mark.parametrize(("limit", "top"), [(None, 3.0), (5.0, 5.0)])
def test_weights_are_an_image_with_symmetric_colours_and_a_scale(axes, limit, top):
    matrix = np.array([[1.0, -3.0, 0.0], [2.0, 0.5, 0.1]])
    assert plots.weights(axes, matrix, limit=limit) is axes
    (image,) = axes.images
    assert np.array_equal(image.get_array(), matrix)
    assert image.get_clim() == (-top, top)
    assert len(axes.figure.axes) == 2, "the colour bar has Axes of its own"


def test_weights_that_are_all_zero_can_be_drawn(axes):
    low, high = plots.weights(axes, np.zeros((2, 3))).images[0].get_clim()
    assert low < high


def test_occupancy_shows_every_core_used_and_leaves_the_others_blank(axes):
    mapping = map_network(sy.quantise(plastic_network(sizes=(300, 128, 4), steps=2)), placement="first_fit")
    assert plots.occupancy(axes, mapping) is axes
    rows, columns = int(mapping.chip.rows), int(mapping.chip.columns)
    grid = axes.images[0].get_array()
    assert grid.shape == (rows, columns)
    assert np.count_nonzero(np.isfinite(np.ma.filled(grid, np.nan))) == mapping.cores == 9
    # two tiles of the first projection and one of the second, each with two cores for 16 bits of P
    letters = {text.get_position(): text.get_text() for text in axes.texts}
    assert sorted(letters.values()) == ["P"] * 6 + ["W"] * 3
    assert set(letters) == {mapping.position(core) for core in range(9)}
    assert grid[0, 0] == pytest.approx(100 * 128 * 256 / 256**2)
    assert grid[0, 3] == pytest.approx(100 * 128 * 44 / 256**2)
    # a line between all squares, the free ones too
    (lines,) = axes.collections
    upright = {line[0][0] for line in lines.get_segments() if line[0][0] == line[1][0]}
    across = {line[0][1] for line in lines.get_segments() if line[0][1] == line[1][1]}
    assert upright == {x - 0.5 for x in range(columns + 1)}
    assert across == {y - 0.5 for y in range(rows + 1)}
    assert axes.get_xlim() == (-0.5, columns - 0.5)


def test_weights_over_time_show_the_middle_the_spread_and_what_moves_most(axes):
    history = np.zeros((4, 5, 20))
    history[:, 1, 2] = [0, 1, 2, 3]  # moves most, then the next
    history[:, 3, 4] = [0, 0, -2, 0]
    history[:] += np.linspace(0, 0.99, 100).reshape(5, 20)  # all others stay where they are
    assert plots.weights_over_time(axes, history, "P", lines=2) is axes
    first, second, median = axes.lines
    assert first.get_ydata() == pytest.approx(history[:, 1, 2])
    assert second.get_ydata() == pytest.approx(history[:, 3, 4])
    assert median.get_ydata()[0] == pytest.approx(0.495)
    (band,) = axes.collections
    edges = band.get_paths()[0].vertices
    assert edges[edges[:, 0] == 1, 1].min() == pytest.approx(0.05 * 0.99)
    assert edges[:, 0].min() == 1
    assert edges[:, 0].max() == 4
    assert (axes.get_title(), axes.get_xlabel()) == ("P", "step m")


def test_a_learning_curve_counts_epochs_from_one(axes):
    assert plots.learning_curve(axes, [3.0, 2.0, 1.5], "loss") is axes
    (line,) = axes.lines
    assert line.get_xdata().tolist() == [1, 2, 3]
    assert line.get_ydata().tolist() == [3.0, 2.0, 1.5]


def test_robustness_has_mean_and_range_of_the_seeds_in_percent(axes):
    curves = {"GP": [[0.9, 0.5], [0.7, 0.1]], "HP": [[0.95, 0.8]]}
    assert plots.robustness(axes, (0, 0.5), curves) is axes
    gp, hp = axes.lines
    assert gp.get_ydata() == pytest.approx([80, 30])
    assert hp.get_ydata() == pytest.approx([95, 80])
    assert gp.get_xdata().tolist() == [0, 0.5]
    heights = axes.collections[0].get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == pytest.approx((10, 90))
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["GP", "HP"]


@pytest.mark.parametrize(
    ("draw", "text"),
    [
        (
            lambda axes: plots.raster(axes, np.ones((2, 3, 4))),
            r"raster\.spikes: got shape \(2, 3, 4\), allowed \(T, n\)",
        ),
        (lambda axes: plots.raster(axes, "spikes"), r"raster\.spikes: got 'spikes'"),
        (lambda axes: plots.membrane(axes, np.ones(3), 1.0), r"membrane\.u: got shape \(3,\), allowed \(T, n\)"),
        (
            lambda axes: plots.weights(axes, np.ones((0, 3))),
            r"weights\.matrix: got shape \(0, 3\), allowed \(n_out, n_in\)",
        ),
        (
            lambda axes: plots.weights_over_time(axes, np.ones((2, 3))),
            r"\.history: got shape \(2, 3\), allowed \(T, n_out",
        ),
        (lambda axes: plots.weights_over_time(axes, np.ones((2, 3, 1)), lines=-1), r"\.lines: got -1, allowed 0, 1"),
        (lambda axes: plots.learning_curve(axes, []), r"learning_curve\.losses: got shape \(0,\)"),
        (lambda axes: plots.robustness(axes, [], {}), r"robustness\.levels: got shape \(0,\)"),
        (
            lambda axes: plots.robustness(axes, [0, 1], {"HP": [0.1, 0.2]}),
            r"robustness\.curves\['HP'\]: got shape \(2,\)",
        ),
        (lambda axes: plots.robustness(axes, [0], {"HP": [[0.1, 0.2]]}), r"got shape \(1, 2\), allowed \(seeds, 1\)"),
    ],
)
def test_what_cannot_be_drawn_is_refused(axes, draw, text):
    with pytest.raises(ParameterError, match=text):
        draw(axes)


def test_every_plot_takes_axes_and_returns_them():
    # Of the list of all public functions, which cannot forget one.
    drawn = {where: case for where, case in public_functions.on_chip().items() if where.startswith("synergic.plots.")}
    assert len(drawn) >= 11
    for where, case in drawn.items():
        assert case.call(**case.args) is case.args["axes"], where


def test_nothing_is_shown_or_left_in_pyplot(axes, monkeypatch):
    import matplotlib.pyplot as plt

    before = plt.get_fignums()  # of other tests
    monkeypatch.setattr(plt, "show", lambda *_, **__: pytest.fail("shown"))
    monkeypatch.setattr(plt, "figure", lambda *_, **__: pytest.fail("a figure of its own"))
    plots.raster(axes, np.ones((2, 2)))
    plots.membrane(axes, np.ones((2, 2)), 1.0)
    plots.weights(axes, np.ones((2, 2)))
    plots.weights_over_time(axes, np.ones((2, 2, 2)))
    plots.learning_curve(axes, [1.0])
    plots.robustness(axes, [0], {"HP": [[1.0]]})
    plots.occupancy(axes, map_network(sy.quantise(plastic_network())))
    assert plt.get_fignums() == before
    axes.figure.canvas.draw()
