"""What some calls mean, as functions that are inlined like the user's own."""

from __future__ import annotations

from typing import Any

import numpy as np


def list_index(items: Any, value: Any) -> Any:
    for k in range(len(items)):
        if items[k] == value:
            return k
    raise ValueError("value not in list")


def list_count(items: Any, value: Any) -> Any:
    found = 0
    for k in range(len(items)):
        if items[k] == value:
            found += 1
    return found


def list_remove(items: Any, value: Any) -> None:
    for k in range(len(items)):
        if items[k] == value:
            items.pop(k)
            return
    raise ValueError("list.remove(x): x not in list")


def sorted_list(items: Any, reverse: Any = False) -> Any:
    ordered = np.sort(np.array([v for v in items]))
    if reverse:
        ordered = ordered[::-1]
    return [v for v in ordered]


def sort_list(items: Any, reverse: Any = False) -> None:
    ordered = sorted_list(items, reverse)
    for k in range(len(items)):
        items[k] = ordered[k]


def split_in(ary: Any, sections: Any, equal: Any) -> Any:
    """A list of so many parts, the first ones longer by one if need be."""
    if sections <= 0:
        raise ValueError("number sections must be larger than 0")
    if equal and len(ary) % sections != 0:
        raise ValueError("array split does not result in an equal division")
    size, extras = len(ary) // sections, len(ary) % sections
    parts = []
    begin = 0
    for k in range(sections):
        end = begin + size
        if k < extras:
            end += 1
        parts.append(ary[begin:end])
        begin = end
    return parts


def split_at(ary: Any, places: Any) -> Any:
    """A list of the parts between these places."""
    parts = []
    begin = 0
    for k in range(len(places)):
        parts.append(ary[begin : places[k]])
        begin = places[k]
    parts.append(ary[begin:])
    return parts


WRITTEN_OUT: dict[str, Any] = {
    "split_in": split_in,
    "split_at": split_at,
    "sorted": sorted_list,
    "sort": sort_list,
    "index": list_index,
    "count": list_count,
    "remove": list_remove,
}
