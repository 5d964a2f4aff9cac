"""Polygons of few vertices that are as good as they must be."""

import cv2
import numpy as np
import pytest

from rvernet_core.errors import DataError
from rvernet_core.evaluation.annotation import coarsest_polygon


def disc(radius, size=128):
    y, x = np.mgrid[:size, :size] - size / 2
    return x * x + y * y < radius * radius


def test_a_square_takes_four_clicks():
    mask = np.zeros((64, 64), bool)
    mask[10:40, 20:50] = True
    polygon = coarsest_polygon(mask, 0.95)
    assert polygon.vertices == 4
    assert polygon.iou >= 0.95


def test_a_better_outline_takes_more_clicks():
    found = [coarsest_polygon(disc(40), goal) for goal in (0.6, 0.9, 0.98)]
    vertices = [polygon.vertices for polygon in found]
    assert vertices == sorted(vertices)
    assert vertices[0] < vertices[2]
    assert all(p.iou >= goal for p, goal in zip(found, (0.6, 0.9, 0.98), strict=True))


def test_every_piece_and_every_hole_is_outlined():
    one = coarsest_polygon(disc(40), 0.95)
    ring = coarsest_polygon(disc(40) & ~disc(20), 0.95)
    two = coarsest_polygon(np.concatenate([disc(40), disc(40)], axis=1), 0.95)
    assert ring.vertices > one.vertices
    assert two.vertices >= 2 * one.vertices - 2
    assert min(ring.iou, two.iou) >= 0.95


def test_specks_that_the_goal_does_not_need_take_no_clicks():
    speckled = disc(40).copy()
    speckled[2:5, 2:5] = speckled[120:123, 120:123] = True
    assert coarsest_polygon(speckled, 0.95).vertices == coarsest_polygon(disc(40), 0.95).vertices


def test_what_no_polygon_reaches_gets_the_finest_outline():
    dots = np.zeros((32, 32), bool)
    dots[::3, ::3] = True
    polygon = coarsest_polygon(dots, 1.0)
    assert polygon.iou > 0.5
    assert polygon.vertices >= 3 * cv2.connectedComponents(dots.astype(np.uint8))[0] - 3


def test_an_empty_mask_is_refused():
    with pytest.raises(DataError, match="mask is empty"):
        coarsest_polygon(np.zeros((8, 8), bool), 0.9)
