"""Data-parallel gradients on a local Dask cluster; skipped where there is no ``distributed``."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from adcompile import nn, optim, value_and_grad
from adcompile.training.sharded import DataParallel, from_arrays

distributed: Any = pytest.importorskip("distributed")
pytestmark = [pytest.mark.compiled, pytest.mark.filterwarnings("ignore")]

COUNT = 5


@value_and_grad
def cost(params: Any, x: Any, labels: Any) -> Any:
    w1, b1, w2, b2 = params
    return nn.cross_entropy(nn.affine(nn.tanh(nn.affine(x, w1, b1)), w2, b2), labels)


def data() -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(103, 4)), rng.integers(0, 3, 103)


def first() -> Any:
    rng = np.random.default_rng(1)
    return nn.xavier_normal(rng, 4, 6), nn.zeros(6), nn.xavier_normal(rng, 6, 3), nn.zeros(3)


def slowly(k: int) -> Any:
    time.sleep(0.3)
    return from_arrays(*data(), count=COUNT)(k)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, processes=True
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def assert_same(found: Any, expected: Any) -> None:
    assert found[0] == pytest.approx(expected[0], rel=1e-13)
    for a, b in zip(found[1], expected[1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-15)


def test_one_process_and_many_agree(client: Any) -> None:
    x, labels = data()
    params = first()
    there = DataParallel(client, cost, from_arrays(x, labels, count=COUNT), COUNT)
    assert there.sizes == [20, 21, 20, 21, 21]
    assert_same(there.value_and_grad(params), cost(params, x, labels))
    # Minibatches: some rows of each shard, none of the second.
    rng = np.random.default_rng(2)
    rows = [rng.permutation(size)[: 3 * (k != 1)] for k, size in enumerate(there.sizes)]
    starts = np.cumsum([0, *there.sizes])
    chosen = np.concatenate([start + some for start, some in zip(starts, rows)]).astype(int)
    assert_same(there.value_and_grad(params, rows), cost(params, x[chosen], labels[chosen]))
    with pytest.raises(ValueError, match="shards"):
        there.value_and_grad(params, rows[1:])
    with pytest.raises(ValueError, match="no samples"):
        there.value_and_grad(params, [some[:0] for some in rows])


def test_a_worker_that_is_killed_loses_nothing(client: Any) -> None:
    x, labels = data()
    there = DataParallel(client, cost, slowly, COUNT)
    params, alone = first(), first()
    state, own = optim.adam_state(params), optim.adam_state(alone)
    victims: list[int] = []

    def kill() -> None:
        time.sleep(0.2)  # shards are being loaded anew by then, on the one that is left
        victims.append(next(iter(client.run(os.getpid).values())))
        os.kill(victims[-1], signal.SIGKILL)

    for step in range(6):
        if step == 2:
            kill()
        late = threading.Thread(target=kill)
        if step == 3:
            late.start()
        value, grads = there.value_and_grad(params)
        if step == 3:
            late.join()
        state, params = optim.adam(state, params, grads, 0.05)
        expected, slopes = cost(alone, x, labels)
        own, alone = optim.adam(own, alone, slopes, 0.05)
        assert value == pytest.approx(expected, rel=1e-11)
    assert len(set(victims)) == 2
    for a, b in zip(params, alone, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
