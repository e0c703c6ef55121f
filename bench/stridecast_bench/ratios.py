"""From samples to ratios: how many times as fast, how sure, and when not to say.

A ratio is the quotient of least times: noise only adds. Rounds are cut into parts, whose own ratios
say how much the figure moves within one process; our call timed against itself says how much two
equal things differ.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable

from stridecast_bench.measure import ITSELF, Samples, ratios_by_part, short, spread, taken
from stridecast_bench.results import FASTER, NOISY, SLOWER, TIE, Comparison, Noise, Time

#: Distances from 1 below this are never called a difference.
SMALLEST = 0.02
#: Above this, a process was too restless for any ratio.
THRESHOLD = 0.10


def distance(ratio: float) -> float:
    """How far from 1, alike on both sides: 0.1 for 1.1 and for 1/1.1."""
    return math.exp(abs(math.log(ratio))) - 1


def noise_of(samples: dict[str, Samples]) -> float:
    """How far from 1 the ratio of our call to itself lies, in all rounds or typically in a part."""
    ours, itself = samples["ours"], samples[ITSELF]
    whole = distance(min(taken(itself)) / min(taken(ours)))
    by_part = [distance(ratio) for ratio in ratios_by_part(ours, itself)]
    return round(max(whole, statistics.median(by_part or [whole])), 4)


def verdict(
    ratio: float, between: tuple[float, float], noise: float, threshold: float = THRESHOLD
) -> str:
    """A tie is also what was faster in one part of the rounds and slower in another."""
    if noise > threshold:
        return NOISY
    if distance(ratio) <= max(noise, SMALLEST) or between[0] < 1 < between[1]:
        return TIE
    return FASTER if ratio > 1 else SLOWER


def compare(samples: dict[str, Samples], threshold: float = THRESHOLD) -> dict[str, Comparison]:
    """Ours beside every peer in `samples`, which has "ours" and "itself" too."""
    ours = samples["ours"]
    noise = noise_of(samples)
    found = {}
    for name, peer in samples.items():
        if name in ("ours", ITSELF):
            continue
        ratio = min(taken(peer)) / min(taken(ours))
        between = spread(ours, peer)
        times = Time.of(taken(ours)), Time.of(taken(peer))
        kind = verdict(ratio, between, noise, threshold)
        found[name] = Comparison(*times, short(ratio), between, noise, kind)
    return found


def summary(noises: Iterable[float], threshold: float = THRESHOLD) -> Noise | None:
    found = sorted(noises)
    if not found:
        return None
    high = found[min(len(found) - 1, len(found) * 9 // 10)]
    return Noise(round(statistics.median(found), 4), round(high, 4), threshold)
