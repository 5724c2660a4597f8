"""All that a function can see, as a hash; ``functions.py`` first."""

from adcompile.reach.functions import ATOMS, Reach
from adcompile.reach.objects import Unknown, is_function

__all__ = ["ATOMS", "Reach", "Unknown", "is_function"]
