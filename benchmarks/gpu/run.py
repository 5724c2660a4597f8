"""One contestant of one workload: compared with the adjoint by hand, then timed."""

from __future__ import annotations

import datetime
import importlib
import platform
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numba import cuda

from adcompile.cuda.launch import check_device
from adcompile.cuda.package import SIMULATED
from benchmarks.gpu.workload import BY_HAND, AbsentError, Prepared, Result, Workload

WORKLOADS = ("black_scholes", "n_body", "heston", "heat", "mlp")
REPEATS = 15
_FEW = 3  # of calls that take longer than _LONG seconds
_LONG = 10.0
_COMPARED = 100_000  # numbers of an array
_PACKAGES = ("adcompile", "numba", "numba-cuda", "numpy", "jax", "torch", "warp-lang", "cupy")


class DisagreementError(AssertionError):
    """Value or gradient is not that by hand."""


def workload(name: str) -> Workload:
    made = importlib.import_module(f"benchmarks.gpu.{name}").WORKLOAD
    assert isinstance(made, Workload)
    return made


def one(name: str, who: str, small: bool, reference: Path) -> dict[str, Any]:
    """``{"seconds": [...]}``, ``{"note": why it is left out}`` or ``{"failed": ...}``.  BY_HAND
    leaves in ``reference`` what the others are compared with."""
    chosen = workload(name)
    given = chosen.inputs(small)
    try:
        prepared = chosen.contestants[who](*given)
        result = prepared.fetch(prepared.call())
        if who == BY_HAND:
            save(reference, result)
        elif not reference.exists():
            return {"failed": "not compared: the adjoint by hand has failed"}
        compare(who, result, reference, chosen.tolerance)
        found: dict[str, Any] = {"seconds": seconds(prepared)}
    except AbsentError as why:
        return {"note": str(why)}
    except Exception as error:
        text = f"{type(error).__name__}: {str(error)[:300]}"
        if "out of memory" in text.lower() or "OUT_OF_MEMORY" in text or "RESOURCE_EXH" in text:
            return {"note": "out of memory"}
        return {"failed": text}
    if chosen.moved is not None:
        found["moved"] = chosen.moved(given)
    return found


def save(reference: Path, result: Result) -> None:
    value, grads = result
    np.savez(reference, value=value, **{f"g{k}": picked(g) for k, g in enumerate(grads)})


def picked(array: Any) -> Any:
    flat = np.ravel(array)
    return flat[:: max(1, flat.size // _COMPARED)]


def compare(who: str, result: Result, reference: Path, tolerance: float) -> None:
    """Raise DisagreementError: relative to the largest number of an array."""
    value, grads = result
    with np.load(reference) as kept:
        expected = [kept["value"], *(kept[f"g{k}"] for k in range(len(kept) - 1))]
    if len(grads) != len(expected) - 1:
        raise DisagreementError(f"{who}: {len(grads)} gradients, not {len(expected) - 1}")
    for k, (ours, theirs) in enumerate(zip([value, *map(picked, grads)], expected)):
        what = "value" if k == 0 else f"gradient {k}"
        if np.shape(ours) != np.shape(theirs):
            raise DisagreementError(f"{who}: {what} has shape {np.shape(ours)}")
        apart = float(np.max(np.abs(ours - theirs)))
        if not apart <= tolerance * float(np.max(np.abs(theirs))):  # NaN: not either
            raise DisagreementError(f"{who}: {what} is {apart:.3g} away from that by hand")


def seconds(prepared: Prepared) -> list[float]:
    def once() -> float:
        start = time.perf_counter()
        prepared.call()
        prepared.wait()
        return time.perf_counter() - start

    first = once()  # the second call: the first one compiled
    if SIMULATED:
        return [first]
    return [once() for _ in range(_FEW if first > _LONG else REPEATS)]


def copied(small: bool) -> float:
    """Bytes that a copy of 1 GiB on the device reads and writes in a second."""
    source = cuda.to_device(np.zeros(16 if small else 1 << 27))
    target = cuda.device_array_like(source)
    copy = Prepared(lambda: target.copy_to_device(source), cuda.synchronize, lambda _: (0.0, ()))
    return float(2 * source.size * 8 / np.median(seconds(copy)))


def machine() -> dict[str, Any]:
    check_device()
    versions = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    found: dict[str, Any] = {"date": datetime.date.today().isoformat(), "versions": versions}
    if SIMULATED:
        return {"device": "the simulator", **found}
    device = cuda.get_current_device()
    name = device.name.decode() if isinstance(device.name, bytes) else device.name
    driver = ".".join(map(str, cuda.cudadrv.driver.get_version()))
    major, minor = device.compute_capability
    return {"device": f"{name}, sm_{major}{minor}, driver for CUDA {driver}", **found}
