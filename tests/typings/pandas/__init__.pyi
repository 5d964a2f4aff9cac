# pandas types an indexed frame as a union of all it could be, which fits no frame in particular: to the
# checker its values are Any. Everything else is checked.
from typing import Any

def __getattr__(name: str) -> Any: ...
