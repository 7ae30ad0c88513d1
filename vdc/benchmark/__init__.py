"""Access to the benchmark: the Hub, the published folder, our own Parquet, the bundled sample."""

from vdc.benchmark.load import load_benchmark, load_dataset
from vdc.benchmark.model import Benchmark, Question

__all__ = ["Benchmark", "Question", "load_benchmark", "load_dataset"]
