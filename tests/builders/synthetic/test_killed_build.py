"""A build whose process is killed outright leaves no worker behind, and goes on to the same result."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil

from builders.synthetic import VideoSettings, build_synthetic

ROOT = Path(__file__).parents[3]
PROGRAM = """
import sys
from builders.synthetic import VideoSettings, build_synthetic
if __name__ == "__main__":
    build_synthetic(sys.argv[1], videos=40, seed=3, settings=VideoSettings(size=96, seconds=3, fps=12), workers=2)
"""


def test_a_killed_build_leaves_no_worker_and_goes_on(tmp_path: Path) -> None:
    folder, script = tmp_path / "toy", tmp_path / "program.py"
    script.write_text(PROGRAM, encoding="utf-8")
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    parent = subprocess.Popen([sys.executable, str(script), str(folder)], env=environment)
    deadline = time.monotonic() + 60
    while len(list(folder.glob("videos/*.mp4"))) < 3 and time.monotonic() < deadline and parent.poll() is None:
        time.sleep(0.02)
    assert parent.poll() is None, "the build ended before it could be killed"
    workers = psutil.Process(parent.pid).children(recursive=True)
    parent.kill()
    parent.wait()
    assert len(workers) >= 2
    _, alive = psutil.wait_procs(workers, timeout=20)
    for worker in alive:
        worker.kill()
    assert alive == []
    before = {path.name: path.read_bytes() for path in folder.glob("videos/*.mp4")}
    assert 3 <= len(before) < 40
    result = build_synthetic(folder, videos=40, seed=3, settings=VideoSettings(size=96, seconds=3, fps=12))
    assert (result.kept, result.rendered) == (len(before), 40 - len(before))
    assert all((folder / "videos" / name).read_bytes() == content for name, content in before.items())
    assert not list(folder.glob("videos/*.part")) and not (folder / ".build.json").exists()
