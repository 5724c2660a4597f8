"""Data for training: shuffled minibatches, normalisation, train and test."""

from adcompile.data.batches import batches, epoch_order, split
from adcompile.data.normalise import Moments, moments, normalise

__all__ = ["Moments", "batches", "epoch_order", "moments", "normalise", "split"]
