"""What the micro Segment Anything learns from: augmented scenes, prompts, a batched decoder, losses."""

from __future__ import annotations

import math

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from rvernet_plates import FOODS

SIZE = 128  # the net's input side in pixels
LOW = SIZE // 2  # side of the decoder's masks
PADDING = (123.675, 116.28, 103.53)  # Sam's pixel mean: SAM pads a photo after it is normalised, with zeros


# --- scenes and prompts ---------------------------------------------------------------------------


def augment(image: NDArray, instances: NDArray, rng: np.random.Generator) -> tuple[NDArray, NDArray]:
    """A turned, mirrored, sometimes cropped and recoloured copy of a scene of any shape, and its instances.

    Both come back with the net's side: the longer side is scaled to it, and the shorter padded with
    `instances` = 255 at the right or bottom, as SAM pads a photo.
    """
    turns = int(rng.integers(4))
    image, instances = np.rot90(image, turns), np.rot90(instances, turns)
    if rng.random() < 0.5:
        image, instances = image[:, ::-1], instances[:, ::-1]
    if rng.random() < 0.3:
        shares = rng.uniform(0.55, 1.0, 2) if rng.random() < 0.5 else np.repeat(rng.uniform(0.6, 1.0), 2)
        rows, columns = (max(1, int(share * n)) for share, n in zip(shares, instances.shape, strict=True))
        top = int(rng.integers(instances.shape[0] - rows + 1))
        left = int(rng.integers(instances.shape[1] - columns + 1))
        window = np.s_[top : top + rows, left : left + columns]
        image, instances = image[window], instances[window]
    image, instances = _letterboxed(np.ascontiguousarray(image), np.ascontiguousarray(instances))
    if rng.random() < 0.5:
        gain, shift = rng.uniform(0.8, 1.2, 3), rng.uniform(-15, 15)
        image = np.where(instances[..., None] == 255, 0, np.clip(image * gain + shift, 0, 255)).astype(
            np.uint8
        )
    return image, instances


def _letterboxed(image: NDArray, instances: NDArray) -> tuple[NDArray, NDArray]:
    """The longer side scaled to the net's, the shorter one padded: 0 in the image, 255 in the instances."""
    rows, columns = instances.shape
    scale = SIZE / max(rows, columns)
    target = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    if scale != 1:
        image = cv2.resize(image, target, interpolation=cv2.INTER_LINEAR)
        instances = cv2.resize(instances, target, interpolation=cv2.INTER_NEAREST)
    picture, labels = np.zeros((SIZE, SIZE, 3), np.uint8), np.full((SIZE, SIZE), 255, np.uint8)
    picture[: target[1], : target[0]], labels[: target[1], : target[0]] = image, instances
    return picture, labels


def draw_prompts(
    instances: NDArray, boxes: int, points: int, extra: int, rng: np.random.Generator
) -> list[tuple]:
    """Prompts for one image: (instance or 0, is_box, coordinates (2 + extra, 2), labels (2 + extra,)).

    Boxes: both corners of the object's box, half of them moved by up to a tenth of its sides. Points: a pixel
    of the object, half of them well inside, and a pad; one in eight lies beside all food (instance 0), so the
    net learns to score it low. `extra` further points refine the prompt: label 1 on the object, 0 off it.
    Labels 2, 3 = box corners, -1 = pad.
    """
    flat = instances.ravel()
    order = np.argsort(flat, kind="stable")
    numbers, starts = np.unique(flat[order], return_index=True)
    pixels = dict(zip(numbers.tolist(), np.split(order, starts[1:]), strict=True))  # instance -> flat indices
    present = [k for k, where in pixels.items() if k not in (0, 255) and len(where) >= 24]
    if not present or 0 not in pixels:
        return []
    prompts = []
    for i in range(boxes + points):
        k = present[int(rng.integers(len(present)))]
        coords, labels = np.zeros((2 + extra, 2), np.float32), np.full(2 + extra, -1, np.int64)
        if i < boxes:
            rows, columns = np.divmod(pixels[k], SIZE)
            corners = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], np.float64)
            if rng.random() < 0.5:
                sides = np.tile(corners[2:] - corners[:2], 2)
                corners = (corners + rng.normal(0, 0.05, 4).clip(-0.1, 0.1) * sides).clip(0, SIZE)
            coords[:2], labels[:2] = corners.reshape(2, 2), (2, 3)
        else:
            if not extra and rng.random() < 0.125:
                k = 0
            inside = pixels[k]
            if k and rng.random() < 0.5:
                depth = cv2.distanceTransform((instances == k).astype(np.uint8), cv2.DIST_L2, 3).ravel()[
                    inside
                ]
                inside = inside[depth >= rng.uniform(0.5, 1.0) * depth.max()]
            coords[0], labels[0] = _pixel(inside, rng), 1
        for j in range(extra):
            positive = rng.random() < 0.5
            others = numbers[(numbers != k) & (numbers != 255)]
            aim = k if positive else int(others[int(rng.integers(len(others)))])
            coords[2 + j], labels[2 + j] = _pixel(pixels[aim], rng), int(positive)
        prompts.append((k, i < boxes, coords, labels))
    return prompts


def _pixel(flat: NDArray, rng: np.random.Generator) -> tuple[int, int]:
    row, column = divmod(int(flat[int(rng.integers(len(flat)))]), SIZE)
    return column, row


def draw_batch(scenes, step: int, seed: int, images: int, boxes: int, points: int) -> dict[str, Tensor]:
    """The training batch of `step`: a pure function of its arguments.

    Returns images (B, 3, S, S) float in [0, 255], padded with `PADDING`; classes (B, S/2, S/2), 0 = no food,
    k = FOODS[k - 1], -1 = padding; per prompt: image index (P,), is_box (P,), food (P,), coords (P, N, 2),
    labels (P, N) and target (P, 1, S/2, S/2), the covered share of each pixel.
    """
    rng = np.random.default_rng((seed, step))
    extra = int(rng.integers(1, 3)) if rng.random() < 0.1 else 0
    pictures, classes, index, rows, targets = [], [], [], [], []
    while len(pictures) < images:
        i = int(rng.integers(len(scenes)))
        picture, instances = augment(scenes.image(i), scenes.instances(i), rng)
        prompts = draw_prompts(instances, boxes, points, extra, rng)
        if prompts:
            index += [len(pictures)] * len(prompts)
            targets += [instances == k if k else np.zeros_like(instances, bool) for k, *_ in prompts]
            rows += prompts
            pictures.append(np.where(instances[..., None] == 255, np.asarray(PADDING, np.float32), picture))
            kinds = np.zeros(256, np.int64)
            kinds[1 : len(scenes.items(i)) + 1] = [FOODS.index(item.name) + 1 for item in scenes.items(i)]
            kinds[255] = -1
            classes.append(kinds[instances[::2, ::2]])
    full = torch.from_numpy(np.stack(targets))[:, None].float()
    return {
        "images": torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float(),
        "classes": torch.from_numpy(np.stack(classes)),
        "index": torch.tensor(index),
        "is_box": torch.tensor([r[1] for r in rows]),
        "food": torch.tensor([r[0] > 0 for r in rows]),
        "coords": torch.from_numpy(np.stack([r[2] for r in rows])),
        "labels": torch.from_numpy(np.stack([r[3] for r in rows])),
        "target": F.avg_pool2d(full, SIZE // LOW),
    }


# --- the net, batched over images -----------------------------------------------------------------


def initialise(model) -> None:
    """Fresh weights that learn sooner than the classes' own defaults; every choice only sets where to begin.

    Decoder: queries and keys of the cross-attention start equal, so that a prompt begins by looking at its
    own place (and a place at the prompt upon it); the position code gets slow waves beside fast ones, so that
    far and near differ smoothly, as the inside of a box needs. Encoder: sine-cosine positions and "mimetic"
    attention (Trockman and Kolter 2023): near the identity for query-key, near its negative for value-output.
    """
    waves = model.prompt_encoder.pe_layer.positional_encoding_gaussian_matrix  # (2, F)
    direction = torch.randn_like(waves)
    length = torch.logspace(math.log10(0.1), math.log10(1.5), waves.shape[1])[torch.randperm(waves.shape[1])]
    waves.copy_(direction / direction.norm(dim=0) * length)
    transformer = model.mask_decoder.transformer
    across = [transformer.final_attn_token_to_image]
    for layer in transformer.layers:
        across += [layer.cross_attn_token_to_image, layer.cross_attn_image_to_token]
    for attention in across:
        nn.init.orthogonal_(attention.q_proj.weight, gain=1.5)
        nn.init.zeros_(attention.q_proj.bias)
        attention.k_proj.load_state_dict(attention.q_proj.state_dict())

    encoder = model.image_encoder
    _, height, width, dim = encoder.pos_embed.shape
    frequency = 100 ** -torch.linspace(0, 1, dim // 4)  # radians a patch: from 1 to 0.01
    phase = [torch.arange(n)[:, None] * frequency for n in (height, width)]
    rows, columns = (0.7 * torch.cat([p.sin(), p.cos()], 1) for p in phase)  # (h, D/2), (w, D/2)
    positions = torch.cat([rows[:, None].expand(-1, width, -1), columns[None].expand(height, -1, -1)], -1)
    with torch.no_grad():
        encoder.pos_embed.copy_(positions)
        for block in encoder.blocks:
            attention, size = block.attn, dim // block.attn.num_heads
            query, key, value = attention.qkv.weight.view(3, attention.num_heads, size, dim)
            for head in range(attention.num_heads):
                left, right = _factors(0.7, 0.7, dim)
                query[head], key[head] = left[:, :size].T, right[:, :size].T
            left, right = _factors(0.4, -0.4, dim)
            value.copy_(left.T.reshape(value.shape))
            attention.proj.weight.copy_(right)
            nn.init.zeros_(attention.qkv.bias)
            nn.init.zeros_(attention.proj.bias)


def _factors(noise: float, diagonal: float, dim: int) -> tuple[Tensor, Tensor]:
    """Two (D, D) matrices A, B with A @ B.T = noise * (random of unit spectrum) + diagonal * identity."""
    goal = noise * torch.randn(dim, dim) / math.sqrt(dim) + diagonal * torch.eye(dim)
    u, s, v = torch.linalg.svd(goal)
    return u * s.sqrt(), v.T * s.sqrt()


class Namer(nn.Linear):
    """An auxiliary head of the training: classifies the food at every second pixel from the encoder's tokens.

    Its loss makes the encoder group what belongs together; its weights are not shipped.
    """

    def __init__(self, dim: int) -> None:
        super().__init__(dim, (len(FOODS) + 1) * 16)

    def forward(self, input: Tensor) -> Tensor:
        """(B, h, w, D) -> logits (B, classes, 4 h, 4 w)."""
        x = super().forward(input).unflatten(-1, (-1, 4, 4))  # (B, h, w, classes, 4, 4)
        return x.permute(0, 3, 1, 4, 2, 5).flatten(4, 5).flatten(2, 3)


def encode(model, images: Tensor) -> tuple[Tensor, Tensor]:
    """The image encoder's own computation, with torch's fused attention: faster to train, equal results.

    Takes square images (B, 3, S, S) in [0, 255], gives the last tokens (B, h, w, D) and the embeddings
    (B, C, h, w), h = w = S / 8.
    """
    encoder = model.image_encoder
    x = encoder.patch_embed((images - model.pixel_mean) / model.pixel_std) + encoder.pos_embed  # (B, h, w, D)
    count, height, width, dim = x.shape
    x = x.reshape(count, height * width, dim)
    for block in encoder.blocks:
        heads = block.attn.num_heads
        q, k, v = (
            block.attn.qkv(block.norm1(x)).view(count, -1, 3, heads, dim // heads).permute(2, 0, 3, 1, 4)
        )
        mixed = F.scaled_dot_product_attention(q, k, v)  # (B, heads, hw, D / heads)
        x = x + block.attn.proj(mixed.transpose(1, 2).reshape(count, -1, dim))
        x = x + block.mlp(block.norm2(x))
    x = x.view(count, height, width, dim)
    return x, encoder.neck(x.permute(0, 3, 1, 2))


def forward(model, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Logits (P, 4, S/2, S/2) and estimated IoU (P, 4) of all prompts of all images; tokens (B, h, w, D).

    The stock decoder serves one image per call. This uses its parameters in its order, with each
    prompt's own image embedding in the batch; a test holds the two equal.
    """
    encoder, decoder = model.prompt_encoder, model.mask_decoder
    last, x = encode(model, batch["images"])
    labels = batch["labels"]
    tokens = encoder.pe_layer.forward_with_coords(batch["coords"] + 0.5, encoder.input_image_size)
    tokens = torch.where((labels == -1)[..., None], torch.zeros_like(tokens), tokens)
    kinds = torch.cat([encoder.not_a_point_embed.weight, *(e.weight for e in encoder.point_embeddings)])
    tokens = tokens + kinds[labels + 1]  # rows: pad, background, foreground, first corner, second corner
    count = len(tokens)
    outputs = torch.cat([decoder.iou_token.weight, decoder.mask_tokens.weight])
    tokens = torch.cat([outputs.expand(count, -1, -1), tokens], 1)
    source = x[batch["index"]] + encoder.no_mask_embed.weight.reshape(1, -1, 1, 1)
    position = encoder.get_dense_pe().expand(count, -1, -1, -1)
    hidden, source = decoder.transformer(source, position, tokens)
    channels, side = x.shape[1], x.shape[2]
    upscaled = decoder.output_upscaling(source.transpose(1, 2).reshape(count, channels, side, side))
    hyper = torch.stack([mlp(hidden[:, 1 + i]) for i, mlp in enumerate(decoder.output_hypernetworks_mlps)], 1)
    masks = (hyper @ upscaled.flatten(2)).view(count, -1, *upscaled.shape[2:])
    return masks, decoder.iou_prediction_head(hidden[:, 0]), last


def losses(logits: Tensor, quality: Tensor, batch: dict[str, Tensor], balance: float) -> dict[str, Tensor]:
    """The parts of the loss, scalars: `mask` (cross-entropy + dice) and `quality` (squared error of the IoU).

    The single-mask output learns every prompt; of the three candidates only the best of each lone point does,
    as in SAM's own training. Prompts beside all food teach the quality alone. `balance` weighs inside and
    outside alike (1: at the start, lest every mask stays empty) or each pixel alike (0), always relative
    to the object's area, so that small foods count as much as large ones.
    """
    target = batch["target"].expand_as(logits)
    cross = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    area = batch["target"].mean((2, 3), keepdim=True).clamp(min=0.005)  # (P, 1, 1, 1)
    outside = balance / (2 * (1 - area)) + (1 - balance) / (4 * area)
    inside = balance / (2 * area) + (1 - balance) / (4 * area)
    weight = outside + (inside - outside) * batch["target"]  # (P, 1, S/2, S/2)
    probability = logits.sigmoid()
    overlap = (probability * target).sum((2, 3))
    dice = 1 - (2 * overlap + 1) / (probability.sum((2, 3)) + target.sum((2, 3)) + 1)
    each = (cross * weight).mean((2, 3)) + dice  # (P, 4)
    food, lone = batch["food"], ~batch["is_box"] & (batch["labels"] >= 0).sum(1).eq(1)
    mask = each[food, 0].mean()
    if (food & lone).any():
        mask = mask + 0.5 * each[food & lone, 1:].min(1).values.mean()
    with torch.no_grad():
        hard, truth = logits > 0, target > 0.5
        achieved = (hard & truth).sum((2, 3)) / (hard | truth).sum((2, 3)).clamp(min=1)
    error = (quality - achieved).square()
    return {"mask": mask, "quality": error[:, 0].mean() + (error[lone, 1:].mean() if lone.any() else 0.0)}
