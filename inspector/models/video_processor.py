"""From frames to patches for Qwen2-VL and Qwen2.5-VL, without torchvision: what `Qwen2VLVideoProcessor` does, put
together from the pieces of the Pillow image processor.

transformers' own video processors need torchvision. This one stands in their place in the model's processor; with the
same frames it makes the same grids and, up to a rounding of resized pixels, the same patches.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from transformers.utils import PushToHubMixin

from inspector.errors import InputError
from inspector.models.processors import quiet, video_settings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from inspector.models.sources import Source

DEFAULTS: dict[str, Any] = {
    "size": {"shortest_edge": 128 * 28 * 28, "longest_edge": 768 * 28 * 28},
    "patch_size": 14,
    "temporal_patch_size": 2,
    "merge_size": 2,
    "min_frames": 4,
    "max_frames": 768,
    "max_video_tokens": 128000,
    "cap_pixels_per_frame": False,
    "fps": None,
    "num_frames": None,
}
"""What transformers' class says where a checkpoint does not."""

FOR_FRAMES = ("do_resize", "resample", "do_rescale", "rescale_factor", "do_normalize", "image_mean", "image_std")


class VideoProcessor(PushToHubMixin):  # type: ignore[misc] # by which transformers knows parts of a processor
    """Frames to `pixel_values_videos` and `video_grid_thw`. `settings` stand in a checkpoint's configuration file."""

    model_input_names = ("pixel_values_videos", "video_grid_thw")

    def __init__(self, settings: Mapping[str, Any]) -> None:
        # Not from `transformers`: 5.17 hands out a placeholder there when torchvision is missing.
        from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

        known = {**DEFAULTS, **{name: settings[name] for name in DEFAULTS if settings.get(name) is not None}}
        size = dict(known["size"])
        size["shortest_edge"] = settings.get("min_pixels") or size.get("shortest_edge")
        size["longest_edge"] = settings.get("max_pixels") or size.get("longest_edge")
        self.size = size
        self.patch_size: int = known["patch_size"]
        self.temporal_patch_size: int = known["temporal_patch_size"]
        self.merge_size: int = known["merge_size"]
        self.min_frames: int = known["min_frames"]
        self.max_frames: int = known["max_frames"]
        self.fps: float | None = known["fps"]
        self.num_frames: int | None = known["num_frames"]
        self._tokens: int = known["max_video_tokens"]
        self._capped = bool(known["cap_pixels_per_frame"])
        given = {name: settings[name] for name in FOR_FRAMES if settings.get(name) is not None}
        self._frames = Qwen2VLImageProcessorPil(**given)

    @classmethod
    def of(cls, source: Source) -> Any:
        """The video processor of a checkpoint or preset: transformers' own where torchvision is installed."""
        from transformers.utils import is_torchvision_available

        settings = video_settings(source)
        if not is_torchvision_available():
            return cls(settings)
        from transformers.models.qwen2_vl.video_processing_qwen2_vl import Qwen2VLVideoProcessor

        with quiet():
            return Qwen2VLVideoProcessor.from_dict(settings)

    def to_json_string(self) -> str:
        """Its settings, as transformers writes those of its own."""
        return json.dumps(self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """Its settings; the model's processor asks for them too."""
        return {
            "video_processor_type": "Qwen2VLVideoProcessor",
            "size": self.size,
            **{name: getattr(self, name) for name in ("patch_size", "temporal_patch_size", "merge_size")},
            **{name: getattr(self, name) for name in ("min_frames", "max_frames", "fps", "num_frames")},
            **{name: getattr(self._frames, name) for name in FOR_FRAMES},
        }

    def __call__(self, videos: Sequence[Any], video_metadata: Any = None, return_tensors: Any = None, **_: Any) -> Any:
        """Patches of videos, each u8 [frames, height, width, 3]: f32 [patches, 3 × temporal × patch²]; their grids."""
        import numpy as np
        import torch
        from transformers import BatchFeature

        found = [self._patches(video) for video in videos]
        data = {
            "pixel_values_videos": torch.from_numpy(np.concatenate([patches for patches, _ in found])),
            "video_grid_thw": torch.tensor([grid for _, grid in found]),
        }
        return BatchFeature({**data, "video_metadata": video_metadata})

    def _patches(self, video: NDArray[np.uint8]) -> tuple[NDArray[np.float32], list[int]]:
        import numpy as np

        frames = np.stack([self._frame(frame, len(video)) for frame in video])
        missing = -len(frames) % self.temporal_patch_size
        frames = np.concatenate([frames, np.repeat(frames[-1:], missing, axis=0)])  # [frames, 3, height, width]
        count, channels, height, width = frames.shape
        temporal, patch, merge = self.temporal_patch_size, self.patch_size, self.merge_size
        grid = [count // temporal, height // patch, width // patch]
        blocks = frames.reshape(
            *(grid[0], temporal, channels),
            *(grid[1] // merge, merge, patch),
            *(grid[2] // merge, merge, patch),
        )
        # frame group, block row, block column, row and column in the block, channel, frame, pixel row and column
        ordered = blocks.transpose(0, 3, 6, 4, 7, 2, 1, 5, 8)
        return ordered.reshape(grid[0] * grid[1] * grid[2], -1), grid

    def _frame(self, frame: NDArray[np.uint8], count: int) -> NDArray[np.float32]:
        """One frame [height, width, 3], resized and normalised: f32 [3, height, width]."""
        import numpy as np

        processor = self._frames
        image = np.moveaxis(frame, -1, 0)
        if processor.do_resize:
            height, width = self.resized(image.shape[1], image.shape[2], count)
            image = _resize(processor, image, height, width)
        if processor.do_rescale:
            image = processor.rescale(image, processor.rescale_factor)
        if processor.do_normalize:
            image = processor.normalize(image, processor.image_mean, processor.image_std)
        return np.asarray(image, dtype=np.float32)

    def resized(self, height: int, width: int, count: int) -> tuple[int, int]:
        """Height and width of each of `count` frames after resizing. Raises `InputError` for an extreme shape."""
        from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

        factor, least, most = self.patch_size * self.merge_size, self.size["shortest_edge"], self.size["longest_edge"]
        if self._capped:
            whole = int(self._tokens * factor * factor * 0.9)
            most = max(min(most, whole * self.temporal_patch_size // count), int(least * 1.05))
        try:
            found: tuple[int, int] = smart_resize(height, width, factor, min_pixels=least, max_pixels=most)
        except ValueError as error:
            raise InputError(f"A video of {width}×{height} cannot be processed for this model: {error}.") from error
        return found


def _resize(processor: Any, image: Any, height: int, width: int) -> Any:
    """To exactly that size: the image processor's own way of choosing one is passed by."""
    from transformers.image_processing_backends import PilBackend
    from transformers.image_utils import SizeDict

    return PilBackend.resize(processor, image, SizeDict(height=height, width=width), resample=processor.resample)
