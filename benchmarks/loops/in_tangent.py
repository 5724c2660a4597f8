"""Functions for tangent-ad, which reads source and takes no annotations."""

import numpy as np


def rosenbrock(x):
    total = 0.0
    for i in range(len(x) - 1):
        total += 100.0 * (x[i + 1] - x[i] ** 2) ** 2 + (1.0 - x[i]) ** 2
    return total


def simulate(x, y, a, b, c, d, h, steps):
    for _ in range(steps):
        k1x = a * x - b * x * y
        k1y = d * x * y - c * y
        u = x + 0.5 * h * k1x
        v = y + 0.5 * h * k1y
        k2x = a * u - b * u * v
        k2y = d * u * v - c * v
        u = x + 0.5 * h * k2x
        v = y + 0.5 * h * k2y
        k3x = a * u - b * u * v
        k3y = d * u * v - c * v
        u = x + h * k3x
        v = y + h * k3y
        k4x = a * u - b * u * v
        k4y = d * u * v - c * v
        x = x + h / 6.0 * (k1x + 2.0 * k2x + 2.0 * k3x + k4x)
        y = y + h / 6.0 * (k1y + 2.0 * k2y + 2.0 * k3y + k4y)
    return x * x + x * y


def log_sum_exp(x):
    top = np.max(x)
    return top + np.log(np.sum(np.exp(x - top)))
