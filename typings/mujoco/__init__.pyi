# MuJoCo's compiled parts carry no types that a checker could read: everything is Any.
from typing import Any

def __getattr__(name: str) -> Any: ...
