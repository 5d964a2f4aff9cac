"""What the released code does, written again from reading it, to hold this project's code against.

Nothing here imports the package under test.
"""

import json
import math
from pathlib import Path

import torch

#: configs/FoodSeg103.yaml: its own names, in the order of their labels 0 .. 104.
CATEGORIES = """candy|egg tart|french fries|chocolate|biscuit|popcorn|pudding|ice cream|cheese butter|cake|
wine|milkshake|coffee|juice|milk|tea|almond|red beans|cashew|dried cranberries|soy|walnut|peanut|egg|apple|
date|apricot|avocado|banana|strawberry|cherry|blueberry|raspberry|mango|olives|peach|lemon|pear|fig|pineapple|
grape|kiwi|melon|orange|watermelon|steak|pork|chicken duck|sausage|fried meat|lamb|sauce|crab|fish|shellfish|
shrimp|soup|bread|corn|hamburg|pizza| hanamaki baozi|wonton dumplings|pasta|noodles|rice|pie|tofu|eggplant|
potato|garlic|cauliflower|tomato|kelp|seaweed|spring onion|rape|ginger|okra|lettuce|pumpkin|cucumber|
white radish|carrot|asparagus|bamboo shoots|broccoli|celery stick|cilantro mint|snow peas| cabbage|
bean sprouts|onion|pepper|green beans|French beans|king oyster mushroom|shiitake|enoki mushroom|
oyster mushroom|white button mushroom|salad|other ingredients|ketchup|chilli-paste""".replace("\n", "")
LABELS = {name: label for label, name in enumerate(CATEGORIES.split("|"))}


def read_classes(path: Path) -> dict[str, int]:
    """The `class_dict` of its configuration, such as a YAML file of one "name": label a line."""
    pairs = (line.rsplit(": ", 1) for line in path.read_text().splitlines())
    return {json.loads(name): int(label) for name, label in pairs}


def image_folder(branch: Path, labels: dict[str, int]) -> list[tuple[Path, int]]:
    """CustomImageDataset: every file of the folders that are called as a category is; others are not seen."""
    return [
        (path, label)
        for name, label in labels.items()
        if (branch / name).is_dir()
        for path in (branch / name).iterdir()
    ]


def pairs(split: Path, labels: dict[str, int]) -> list[tuple[Path, Path, int]]:
    """PairedDataset: (ROI, surroundings, label); found by file name alone, of equal ones the last wins."""
    surroundings = {path.name: path for path, _ in image_folder(split / "extra-roi", labels)}
    return [(path, surroundings[path.name], label) for path, label in image_folder(split / "roi", labels)]


def learning_rates(samples: int, batch_size: int, epochs: int, peak: float) -> list[float]:
    """WarmupCosineSchedule as its training loop steps it: the rate of Adam in each epoch."""
    total = int(samples / batch_size) * epochs
    warmup = total * 0.1

    def share(step):
        if step < warmup:
            return float(step) / float(max(1.0, warmup))
        progress = float(step - warmup) / float(max(1, total - warmup))
        return max(0.0, 0.5 * (1.0 + math.cos(math.pi * 0.5 * 2.0 * progress)))

    optimizer = torch.optim.Adam([torch.zeros(1, requires_grad=True)], lr=peak)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, share)
    rates = []
    for _ in range(epochs):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates
