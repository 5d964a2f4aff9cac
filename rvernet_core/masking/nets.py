"""The nets of Segment Anything and what prompts them. The only module that imports `segment_anything`."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from segment_anything import SamAutomaticMaskGenerator, SamPredictor, sam_model_registry
from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer
from segment_anything.utils.transforms import ResizeLongestSide


def build(name: str) -> Sam:
    """The published net vit_b, vit_l or vit_h with fresh weights."""
    return sam_model_registry[name]()


def build_micro() -> Sam:
    """The micro net with fresh weights: the real classes at 128 px, about 1.1 million parameters."""
    size, patch, prompt_dim = 128, 8, 64
    grid = (size // patch, size // patch)
    layer_norm: Any = partial(torch.nn.LayerNorm, eps=1e-6)
    return Sam(
        image_encoder=ImageEncoderViT(
            img_size=size,
            patch_size=patch,
            embed_dim=128,
            depth=4,
            num_heads=4,
            out_chans=prompt_dim,
            norm_layer=layer_norm,
        ),
        prompt_encoder=PromptEncoder(
            embed_dim=prompt_dim, image_embedding_size=grid, input_image_size=(size, size), mask_in_chans=16
        ),
        mask_decoder=MaskDecoder(
            transformer_dim=prompt_dim,
            transformer=TwoWayTransformer(depth=2, embedding_dim=prompt_dim, num_heads=4, mlp_dim=256),
            num_multimask_outputs=3,
            iou_head_depth=3,
            iou_head_hidden_dim=64,
        ),
    ).eval()


def predictor(model: Sam) -> SamPredictor:
    """What encodes a photo and answers its prompts; of very elongated photos, too."""
    found = SamPredictor(model)
    found.transform = _Resize(model.image_encoder.img_size)
    return found


def generator(model: Sam, settings: dict[str, Any]) -> SamAutomaticMaskGenerator:
    """What masks everything that a grid of points finds; of very elongated photos, too."""
    found = SamAutomaticMaskGenerator(model, **settings)
    found.predictor.transform = _Resize(model.image_encoder.img_size)
    return found


class _Resize(ResizeLongestSide):
    """Upstream's resize, without the zero-pixel side that it gives a very elongated photo."""

    @staticmethod
    def get_preprocess_shape(oldh: int, oldw: int, long_side_length: int) -> tuple[int, int]:
        height, width = ResizeLongestSide.get_preprocess_shape(oldh, oldw, long_side_length)
        return max(1, height), max(1, width)
