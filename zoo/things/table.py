"""All categories: name -> drawing, a function (sheet, rng) that fills a Sheet within radius 1.

A drawing takes all its variety from the generator. A new category is one function and one entry.
"""

from __future__ import annotations

from collections.abc import Callable

from rvernet_plates.textures import Rng
from zoo.things import household, materials, metalware, nature, play, treats
from zoo.things.sheet import Sheet

Drawing = Callable[[Sheet, Rng], None]


def _named(*drawings: Drawing) -> dict[str, Drawing]:
    return {drawing.__name__.replace("_", " "): drawing for drawing in drawings}


OBJECTS = _named(
    metalware.key, metalware.coin, metalware.gear, metalware.screw, metalware.hex_nut,
    metalware.paper_clip, metalware.scissors, metalware.padlock, metalware.chain, metalware.spring,
    metalware.horseshoe, metalware.anchor, metalware.bell, household.button, household.comb,
    household.pencil, household.light_bulb, household.clock, household.candle, household.book,
    household.envelope, household.glove, household.sock, household.bow_tie, household.hat,
    household.umbrella, play.dice, play.domino, play.tennis_ball, play.football, play.basketball,
    play.puzzle_piece, play.toy_brick, play.playing_card, play.kite, play.boat, play.car, play.plane,
    play.yarn_ball, nature.maple_leaf, nature.sea_shell, nature.feather, nature.daisy, nature.tulip,
    nature.sunflower, nature.starfish, nature.butterfly, nature.ladybird, nature.snowflake, nature.tree,
    nature.cactus, nature.bone,
)  # fmt: skip
MATERIALS = _named(
    materials.brick_wall, materials.knitting, materials.fur, materials.bark, materials.gravel,
    materials.sand_ripples, materials.grass, materials.cracked_mud, materials.honeycomb,
    materials.basket_weave, materials.chain_mail, materials.scales, materials.circuit_board,
    materials.camouflage, materials.mosaic,
)  # fmt: skip
TREATS = _named(
    treats.pizza, treats.cake, treats.pie, treats.watermelon, treats.pineapple, treats.kiwi,
    treats.pumpkin, treats.walnut,
)  # fmt: skip
DRAWINGS: dict[str, Drawing] = OBJECTS | MATERIALS | TREATS
CATEGORIES: tuple[str, ...] = tuple(DRAWINGS)
#: Things with a top: they are turned by little, the others by any angle.
UPRIGHT = frozenset(
    {"bell", "candle", "hat", "boat", "tulip", "cactus", "tree", "cake", "pineapple", "light bulb"}
)
