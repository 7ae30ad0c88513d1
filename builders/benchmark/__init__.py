"""From videos to a benchmark: resumable steps from file to file."""

from builders.benchmark.build import BuildOptions, BuildResult, build_benchmark
from builders.benchmark.config import BuildConfig, read_config

__all__ = ["BuildConfig", "BuildOptions", "BuildResult", "build_benchmark", "read_config"]
