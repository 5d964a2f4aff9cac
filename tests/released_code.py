"""What the released code does, written again from reading it, to hold this project's code against.

Nothing here imports the package under test.
"""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.models import MobileNetV2, VisionTransformer

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


# --- models, small, with random weights ---------------------------------------------------------------


@dataclass
class Net:
    """Tensors by name as `state_dict` gives them, and what a net in eval mode answers."""

    state: dict[str, Tensor]
    answer: Callable[..., Tensor]
    outputs: int

    def save(self, path: Path, prefix: str = "module.") -> Path:
        """As its training loop saves it: `module.` comes from DataParallel."""
        torch.save({prefix + name: tensor for name, tensor in self.state.items()}, path)
        return path


def _random(*shape: int) -> Tensor:
    """Weights that keep the size of what they are multiplied with."""
    return torch.randn(shape) / math.sqrt(math.prod(shape[1:]) or 1)


def mobilenetv2(outputs: int = 12, width: float = 0.25) -> Net:
    """torchvision's mobilenet_v2, narrower, with the statistics of some images."""
    net = MobileNetV2(num_classes=outputs, width_mult=width)
    for parameter in net.parameters():
        parameter.data = parameter.data + 0.3 * _random(*parameter.shape)
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    net.train()(torch.rand(4, 3, 64, 64))
    return Net(net.eval().state_dict(), net, outputs)


def vit(outputs: int = 12, width: int = 128, depth: int = 2) -> Net:
    """torchvision's vit_b_16, smaller; its attention heads have 64 channels as there."""
    net = VisionTransformer(64, 16, depth, width // 64, width, 96, num_classes=outputs).eval()
    state = {name: _random(*tensor.shape) for name, tensor in net.state_dict().items()}
    net.load_state_dict(state)
    return Net(state, net, outputs)


def deit(
    outputs: int = 12, width: int = 128, depth: int = 2, distilled: bool = False, head_channels: int = 64
) -> Net:
    """ViTForImageClassification of transformers 4.36, or DeiTForImageClassification: `deit-dist`."""
    root, patches = ("deit" if distilled else "vit"), 16
    linear = {
        f"{root}.embeddings.patch_embeddings.projection": (width, 3, 16, 16),
        "classifier": (outputs, width),
    }
    tensors = {
        f"{root}.embeddings.cls_token": (1, 1, width),
        f"{root}.embeddings.position_embeddings": (1, patches + 1 + distilled, width),
        f"{root}.layernorm.weight": (width,),
        f"{root}.layernorm.bias": (width,),
    }
    if distilled:
        tensors[f"{root}.embeddings.distillation_token"] = (1, 1, width)
    for number in range(depth):
        block = f"{root}.encoder.layer.{number}"
        linear |= {
            f"{block}.attention.attention.{name}": (width, width) for name in ("query", "key", "value")
        }
        linear |= {f"{block}.attention.output.dense": (width, width)}
        linear |= {f"{block}.intermediate.dense": (96, width), f"{block}.output.dense": (width, 96)}
        for norm in ("layernorm_before", "layernorm_after"):
            tensors |= {f"{block}.{norm}.{leaf}": (width,) for leaf in ("weight", "bias")}
    tensors |= {f"{name}.weight": shape for name, shape in linear.items()}
    tensors |= {f"{name}.bias": shape[:1] for name, shape in linear.items()}
    state = {name: _random(*shape) for name, shape in tensors.items()}

    def dense(name: str, x: Tensor) -> Tensor:
        return F.linear(x, state[f"{name}.weight"], state[f"{name}.bias"])

    def norm(name: str, x: Tensor) -> Tensor:
        return F.layer_norm(x, (width,), state[f"{name}.weight"], state[f"{name}.bias"], eps=1e-12)

    def attend(name: str, x: Tensor) -> Tensor:
        query, key, value = (
            dense(f"{name}.attention.{part}", x).unflatten(2, (-1, head_channels)).transpose(1, 2)
            for part in ("query", "key", "value")
        )
        weights = (query @ key.transpose(2, 3) / math.sqrt(head_channels)).softmax(3)
        return dense(f"{name}.output.dense", (weights @ value).transpose(1, 2).flatten(2))

    def answer(images: Tensor) -> Tensor:
        projection = f"{root}.embeddings.patch_embeddings.projection"
        x = F.conv2d(images, state[f"{projection}.weight"], state[f"{projection}.bias"], stride=16)
        tokens = [
            state[f"{root}.embeddings.{name}_token"] for name in ("cls", "distillation")[: 1 + distilled]
        ]
        x = torch.cat(
            [*(t.expand(len(images), 1, width) for t in tokens), x.flatten(2).transpose(1, 2)], dim=1
        )
        x = x + state[f"{root}.embeddings.position_embeddings"]
        for number in range(depth):
            block = f"{root}.encoder.layer.{number}"
            x = x + attend(f"{block}.attention", norm(f"{block}.layernorm_before", x))
            hidden = F.gelu(dense(f"{block}.intermediate.dense", norm(f"{block}.layernorm_after", x)))
            x = x + dense(f"{block}.output.dense", hidden)
        return dense("classifier", norm(f"{root}.layernorm", x)[:, 0])

    return Net(state, answer, outputs)


def deit_distilled(outputs: int = 12) -> Net:
    return deit(outputs, distilled=True)


def rvernet(roi: Net, extra_roi: Net, classes: int = 5) -> Net:
    """RveRNets/models.py: log-probabilities of both cut-outs. Give one net twice for one shared module."""
    width = roi.outputs + extra_roi.outputs
    head = {"integrated_fc1.weight": _random(640, width), "integrated_fc1.bias": _random(640)}
    head |= {"integrated_fc2.weight": _random(classes, 640), "integrated_fc2.bias": _random(classes)}

    def answer(one: Tensor, other: Tensor) -> Tensor:
        x = torch.cat((roi.answer(one), extra_roi.answer(other)), dim=1)
        x = F.linear(x, head["integrated_fc1.weight"], head["integrated_fc1.bias"]).relu()
        return F.linear(x, head["integrated_fc2.weight"], head["integrated_fc2.bias"]).log_softmax(1)

    state = {f"roi_module.{name}": tensor for name, tensor in roi.state.items()}
    state |= {f"extra_roi_module.{name}": tensor for name, tensor in extra_roi.state.items()}
    return Net(state | head, answer, classes)


def baseline(backbone: Net, classes: int = 5) -> Net:
    """Off_the_shelfs/models.py: log-probabilities of one cut-out."""
    head = {"classifier.0.weight": _random(classes, backbone.outputs), "classifier.0.bias": _random(classes)}

    def answer(images: Tensor) -> Tensor:
        x = backbone.answer(images)
        return F.linear(x, head["classifier.0.weight"], head["classifier.0.bias"]).log_softmax(1)

    return Net(
        {f"backbone.{name}": tensor for name, tensor in backbone.state.items()} | head, answer, classes
    )
