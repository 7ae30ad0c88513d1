"""Reading videos of every kind, good and bad."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

av = pytest.importorskip("av", reason="PyAV is not installed (extra builders)")

from builders.media.reading import UnusableVideo, fit, iterate_frames, looks_like_video, read_header
from tests.builders.made_videos import flat, moving_square, write_sound, write_video


def test_header_tells_size_rate_and_length(tmp_path: Path) -> None:
    header = read_header(write_video(tmp_path / "a.mp4", moving_square(1, 20), fps=10))
    assert (header.width, header.height, header.codec) == (64, 48, "h264")
    assert header.fps == pytest.approx(10)
    assert header.duration_s == pytest.approx(2.0)


def test_frames_come_in_order_with_their_times(tmp_path: Path) -> None:
    pictures = [flat(luma, 1)[0] for luma in (20, 90, 160, 230)]
    frames = list(iterate_frames(write_video(tmp_path / "a.mp4", pictures, fps=5)))
    assert [frame.index for frame in frames] == [0, 1, 2, 3]
    assert [frame.time_s for frame in frames] == pytest.approx([0, 0.2, 0.4, 0.6])
    assert [float(frame.rgb().mean()) for frame in frames] == pytest.approx([20, 90, 160, 230], abs=4)


def test_pictures_are_shrunk_and_in_the_asked_order_of_channels(tmp_path: Path) -> None:
    red = np.zeros((48, 64, 3), dtype=np.uint8)
    red[..., 0] = 200
    frame = next(iterate_frames(write_video(tmp_path / "a.mp4", [red, red])))
    assert frame.rgb(32).shape == (24, 32, 3)
    assert frame.rgb()[24, 32].argmax() == 0
    assert frame.bgr()[24, 32].argmax() == 2
    assert frame.gray().shape == (48, 64)


@pytest.mark.parametrize(
    ("size", "longest", "expected"),
    [((640, 480), 320, (320, 240)), ((64, 48), 320, (64, 48)), ((1000, 3), 100, (100, 2)), ((30, 90), 30, (10, 30))],
    ids=["shrinks", "never enlarges", "never under two pixels", "upright"],
)
def test_fit_keeps_proportions(size: tuple[int, int], longest: int, expected: tuple[int, int]) -> None:
    assert fit(*size, longest) == expected


def test_rotated_pictures_are_turned_upright(tmp_path: Path) -> None:
    top_is_white = np.zeros((48, 64, 3), dtype=np.uint8)
    top_is_white[:24] = 255
    frame = next(iterate_frames(write_video(tmp_path / "a.mp4", [top_is_white, top_is_white])))

    class Turned:
        width, height, rotation = 64, 48, 90

        def to_ndarray(self, **options: object) -> object:
            return frame.picture.to_ndarray(**options)

    turned = type(frame)(0, 0.0, 0.0, Turned())  # type: ignore[arg-type]
    assert turned.size == (48, 64)
    picture = turned.rgb()
    assert picture.shape == (64, 48, 3)
    # counter-clockwise: what was above is now on the left
    assert picture[:, :20].mean() > 200 > 50 > picture[:, -20:].mean()


def bad_files(folder: Path) -> dict[str, Path]:
    good = write_video(folder / "good.mp4", moving_square(1, 20)).read_bytes()
    paths = {name: folder / name for name in ("empty.mp4", "text.mp4", "cut.mp4", "scrambled.mp4")}
    paths["empty.mp4"].write_bytes(b"")
    paths["text.mp4"].write_text("this is no video")
    paths["cut.mp4"].write_bytes(good[: len(good) // 2])
    scrambled = bytearray(good)
    scrambled[200:1500] = bytes(1300)
    paths["scrambled.mp4"].write_bytes(bytes(scrambled))
    paths["sound.mp4"] = write_sound(folder / "sound.mp4")
    paths["absent.mp4"] = folder / "absent.mp4"
    return paths


def test_file_cut_in_its_header_is_not_taken_for_sound(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "whole.mp4", moving_square(1, 20)).read_bytes()
    (tmp_path / "head.mp4").write_bytes(whole[:32] + b"\x00\x00\x03\xb6moov")
    with pytest.raises(UnusableVideo) as raised:
        read_header(tmp_path / "head.mp4")
    assert raised.value.reason == "unreadable"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("empty.mp4", "empty_file"),
        ("text.mp4", "unreadable"),
        ("cut.mp4", "unreadable"),
        ("sound.mp4", "no_video_stream"),
        ("absent.mp4", "unreadable"),
        ("scrambled.mp4", "damaged"),
    ],
)
def test_bad_file_has_a_reason_and_a_remedy(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(UnusableVideo) as raised:
        list(iterate_frames(bad_files(tmp_path)[name]))
    assert raised.value.reason == reason
    assert raised.value.found
    assert raised.value.do_next


def test_still_picture_is_no_video(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (64, 48)).save(tmp_path / "still.mp4", "JPEG")
    with pytest.raises(UnusableVideo) as raised:
        read_header(tmp_path / "still.mp4")
    assert raised.value.reason == "unreadable"


def test_playlist_does_not_make_the_reader_open_other_files(tmp_path: Path) -> None:
    write_video(tmp_path / "other.ts", moving_square(1, 5), container="mpegts")
    playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/other.ts\n#EXT-X-ENDLIST\n"
    (tmp_path / "list.mp4").write_text(playlist)
    with pytest.raises(UnusableVideo):
        list(iterate_frames(tmp_path / "list.mp4"))


@pytest.mark.parametrize("container", ["mp4", "matroska", "mpegts", "avi"])
def test_every_common_container_reads(tmp_path: Path, container: str) -> None:
    path = write_video(tmp_path / f"a.{container}", moving_square(1, 12), container=container)
    assert len(list(iterate_frames(path))) == 12


def test_video_is_known_by_its_first_bytes(tmp_path: Path) -> None:
    assert looks_like_video(write_video(tmp_path / "a.bin", moving_square(1, 5)))
    assert looks_like_video(write_video(tmp_path / "b.bin", moving_square(1, 5), container="matroska"))
    (tmp_path / "c.bin").write_text("a text of more than sixteen characters")
    assert not looks_like_video(tmp_path / "c.bin")


def test_reason_survives_a_process_border() -> None:
    import pickle

    error = pickle.loads(pickle.dumps(UnusableVideo("damaged", "half", "again")))
    assert (error.reason, error.found, error.do_next) == ("damaged", "half", "again")
