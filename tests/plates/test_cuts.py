"""The cuts that foods share: where pieces lie, and what a look is given."""

import numpy as np
import pytest

from rvernet_plates.canvas import Canvas
from rvernet_plates.foods import cuts
from rvernet_plates.textures import rgb

WHITE = rgb(250, 250, 250)


def empty():
    return Canvas(0.5, 0.5, 0.2, 200)


def test_places_stay_within_the_food():
    rng = np.random.default_rng(0)
    for count in (1, 2, 5, 12):
        for place in (
            *cuts.heap(rng, count, 0.3),
            *cuts.fan(rng, count, 0.3, 0.2, 1.0, 0.4),
            *cuts.crossed(rng, count, (0.4, 0.6), (0.1, 0.2), 0.5),
        ):
            assert np.hypot(place.x, place.y) < 0.8
            assert 0 < place.ry <= place.rx < 0.7
            assert place.z >= 0
    row = cuts.fan(rng, 5, 0.3, 0.3, 1.2)
    assert [p.x for p in row] == pytest.approx([-0.6, -0.3, 0, 0.3, 0.6])
    assert np.all(np.diff([p.z for p in row]) > 0)  # each leans on the one before
    assert {p.ry / p.rx for p in cuts.heap(rng, 4, 0.3, aspect=0.5)} == {0.5}


@pytest.mark.parametrize("cut", ["cubes", "rounds", "sticks", "wedges"])
def test_a_cut_is_where_its_look_ends(cut):
    canvas, seen = empty(), []

    def look(piece, edge):
        seen.append(edge)
        return np.broadcast_to(WHITE, (*edge.shape, 3)), 0.0

    place, rng = cuts.Place(0.1, -0.2, 0.6, 0.3, 0.4, 0.05), np.random.default_rng(1)
    if cut in ("cubes", "wedges"):
        getattr(cuts, cut)(canvas, rng, [place], look, 0.3)
    else:
        getattr(cuts, cut)(canvas, [place], look, 0.3)
    on = canvas.height > 0
    assert len(seen) == 1
    assert 0.3 < on.sum() / (4 * 0.6 * 0.3 * canvas.unit**2) <= 1.02  # of the box around the piece
    assert np.allclose(canvas.albedo[on], WHITE)
    assert np.allclose(canvas.gloss[on], 0.3)
    assert canvas.height.max() > 0.05


def test_a_relief_shows_in_the_height():
    flat, rough = empty(), empty()
    place = cuts.Place(0, 0, 0.8, 0.8, 0, 0)
    for canvas, depth in ((flat, 0.0), (rough, 0.05)):
        cuts.rounds(canvas, [place], lambda p, rho, d=depth: (np.zeros((*rho.shape, 3)), d * (p.u > 0)), 0.2)
    difference = rough.height - flat.height
    assert difference.max() == pytest.approx(0.05, abs=1e-5)
    assert np.count_nonzero(difference) == pytest.approx(np.count_nonzero(flat.height) / 2, rel=0.05)


def test_shreds_make_a_tangle_in_the_tones_given():
    canvas = empty()
    cuts.shreds(canvas, np.random.default_rng(2), (rgb(200, 0, 0), rgb(0, 0, 200)), 30, 0.08, 0.4)
    on = canvas.height > 0
    assert 0.15 < on.mean() < 0.6
    assert canvas.albedo[on][:, 1].max() < 0.01
    assert np.ptp(canvas.albedo[on][:, 0]) > 0.3  # both tones, and what lies between


def test_stained_browns_edges_before_the_middle():
    field = np.zeros((1, 3))
    middle, near, edge = cuts.stained(field, 0.2, 0.8, np.array([[0.0, 0.8, 1.0]]))[0]
    assert middle == 0
    assert middle < near < edge <= 1
