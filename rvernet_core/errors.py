"""The project's exceptions. Each message says what came, what was expected and what to do."""


class RveRNetError(Exception):
    """Base of every error that this package raises on purpose."""


class ConfigError(RveRNetError, ValueError):
    """A parameter has an unknown name, a wrong type or a value outside its range."""


class DataError(RveRNetError):
    """A photo, a mask or a data-set folder cannot be read as what it claims to be."""


class FetchError(RveRNetError):
    """A download or an archive could not be completed safely."""


class CheckpointError(RveRNetError):
    """A weights file is missing, truncated, unsafe or of another architecture."""


class PromptError(RveRNetError, ValueError):
    """A Segment Anything prompt lies outside the photo or has no area."""


class TrainingError(RveRNetError):
    """A run cannot go on, for instance because its loss is not finite."""


class MemoryShortageError(RveRNetError):
    """A batch does not fit into the memory of the device."""


class RecordError(RveRNetError):
    """A result folder or the committed record is incomplete or contradicts its manifest."""
