"""Whether a run leaves something behind."""

import gc
import sys
from statistics import median


class Memory:
    """What is alive, sampled over a run: the second half must not hold more than the first did.

    Most of the second half, that is: other threads of the process may hold thousands of blocks for a moment.
    """

    def __init__(self) -> None:
        self.samples: "list[tuple[int, int]]" = []

    def sample(self) -> None:
        gc.collect()
        self.samples.append((len(gc.get_objects()), sys.getallocatedblocks()))

    def check(self) -> None:
        half = len(self.samples) // 2
        for column, slack in ((0, 400), (1, 800)):
            first = max(sample[column] for sample in self.samples[:half])
            second = median(sample[column] for sample in self.samples[half:])
            assert second <= first + slack, self.samples
