"""stub"""

REPLACES: dict[str, str] = {}
