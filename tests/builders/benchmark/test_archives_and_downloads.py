"""Archives and addresses nobody vouched for."""

from __future__ import annotations

import functools
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from builders.benchmark.archives import unpack_videos
from builders.benchmark.downloads import DownloadFailed, download, place_for, read_addresses, without_secrets

LIMIT = 1 << 30


def make_tar(path: Path, members: list[tuple[tarfile.TarInfo, bytes]], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for info, content in members:
            info.size = len(content) if info.isreg() else 0
            tar.addfile(info, io.BytesIO(content))
    return path


def file_member(name: str, content: bytes = b"video") -> tuple[tarfile.TarInfo, bytes]:
    return tarfile.TarInfo(name), content


def special(name: str, kind: bytes, target: str = "/etc/passwd") -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info, b""


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_videos_of_a_tar_come_out_and_nothing_else(tmp_path: Path, mode: str) -> None:
    members = [file_member("a/one.mp4", b"1"), file_member("two.MKV", b"2"), file_member("readme.txt")]
    found = unpack_videos(make_tar(tmp_path / "a.tar", members, mode), tmp_path / "out", "0:a.tar", LIMIT)
    assert {name: path.read_bytes() for name, path in found.files.items()} == {"a/one.mp4": b"1", "two.MKV": b"2"}
    assert [(row.reason, row.kind) for row in found.dropped] == [("other_file", "filter")]


HOSTILE = {
    "climbs": file_member("../evil.mp4"),
    "climbs inside": file_member("a/../../evil.mp4"),
    "absolute": file_member("/tmp/evil.mp4"),
    "windows": file_member("..\\evil.mp4"),
    "drive": file_member("C:evil.mp4"),
    "symbolic link": special("evil.mp4", tarfile.SYMTYPE),
    "hard link": special("evil.mp4", tarfile.LNKTYPE),
    "device": special("evil.mp4", tarfile.CHRTYPE),
    "pipe": special("evil.mp4", tarfile.FIFOTYPE),
}


@pytest.mark.parametrize("member", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_member_is_refused_and_the_rest_goes_on(tmp_path: Path, member: tuple[tarfile.TarInfo, bytes]) -> None:
    archive = make_tar(tmp_path / "a.tar.gz", [file_member("x.mp4"), member, file_member("y.mp4")])
    inside = tmp_path / "deep" / "out"
    found = unpack_videos(archive, inside, "0:a", LIMIT)
    assert sorted(found.files) == ["x.mp4", "y.mp4"]
    assert [(row.reason, row.kind) for row in found.dropped] == [("unsafe_member", "failure")]
    assert not list(tmp_path.rglob("evil*"))
    assert sorted(path.parent for path in tmp_path.rglob("*.mp4")) == [inside, inside]


def test_zip_is_read_the_same_way(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.mp4")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr("good.mp4", b"1")
        packed.writestr("../evil.mp4", b"2")
        packed.writestr("/evil.mp4", b"3")
        packed.writestr(link, "/etc/passwd")
        packed.writestr("folder/", b"")
    found = unpack_videos(tmp_path / "a.zip", tmp_path / "out", "0:a", LIMIT)
    assert list(found.files) == ["good.mp4"]
    assert [row.reason for row in found.dropped] == ["unsafe_member"] * 3 + ["folder_entry"]


def test_bomb_stops_and_says_so(tmp_path: Path) -> None:
    members = [file_member("a.mp4", b"1"), file_member("b.mp4", bytes(1 << 20))]
    found = unpack_videos(make_tar(tmp_path / "a.tgz", members), tmp_path / "out", "0:a", 100_000)
    assert list(found.files) == ["a.mp4"]
    assert [row.reason for row in found.dropped] == ["archive_too_large"]
    assert len(list((tmp_path / "out").iterdir())) == 1


def test_lying_size_in_a_zip_does_not_pass_the_limit(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a.mp4", bytes(1 << 20))
    raw = bytearray((tmp_path / "a.zip").read_bytes())
    directory = raw.index(b"PK\x01\x02")
    raw[directory + 24 : directory + 28] = (10).to_bytes(4, "little")
    (tmp_path / "a.zip").write_bytes(bytes(raw))
    found = unpack_videos(tmp_path / "a.zip", tmp_path / "out", "0:a", 1000)
    assert sum(path.stat().st_size for path in (tmp_path / "out").iterdir()) <= 1000
    assert found.dropped or all(path.stat().st_size == 10 for path in found.files.values())


@pytest.mark.parametrize("cut", [10, 600, -30], ids=["at once", "in a member", "at the end"])
def test_archive_that_breaks_off_keeps_what_came_before(tmp_path: Path, cut: int) -> None:
    import os

    members = [file_member("a.mp4", b"1" * 100), file_member("b.mp4", os.urandom(5000))]
    whole = make_tar(tmp_path / "a.tgz", members).read_bytes()
    (tmp_path / "b.tgz").write_bytes(whole[:cut])
    found = unpack_videos(tmp_path / "b.tgz", tmp_path / "out", "0:b", LIMIT)
    assert {row.kind for row in found.dropped} == {"failure"}
    assert set(found.files) <= {"a.mp4", "b.mp4"}


def test_second_member_of_a_name_is_refused(tmp_path: Path) -> None:
    members = [file_member("a.mp4", b"1"), file_member("a.mp4", b"2")]
    found = unpack_videos(make_tar(tmp_path / "a.tgz", members), tmp_path / "out", "0:a", LIMIT)
    assert found.files["a.mp4"].read_bytes() == b"1"
    assert [row.reason for row in found.dropped] == ["repeated_member"]


class _Broken(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/short":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"only this")
        elif self.path == "/file":
            self.send_response(302)
            self.send_header("Location", "file:///etc/hostname")
            self.end_headers()
        else:
            self.send_error(503 if self.path == "/busy" else 404)

    def log_message(self, *arguments: object) -> None:
        pass


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "a b.mp4").write_bytes(b"video")
    handler = functools.partial(_Quiet, directory=str(tmp_path / "www"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def broken() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Broken) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_file_is_fetched_once(tmp_path: Path, served: str) -> None:
    address = f"{served}/a%20b.mp4"
    target = place_for(address, tmp_path / "downloads")
    download(address, target, max_bytes=100, timeout_s=5)
    assert target.read_bytes() == b"video"
    (tmp_path / "www" / "a b.mp4").unlink()
    download(address, target, max_bytes=100, timeout_s=5)


def test_large_file_is_refused_and_leaves_nothing(tmp_path: Path, served: str) -> None:
    with pytest.raises(DownloadFailed) as raised:
        download(f"{served}/a%20b.mp4", tmp_path / "d" / "x.mp4", max_bytes=4, timeout_s=5)
    assert (raised.value.reason, raised.value.again) == ("too_large", False)
    assert not list((tmp_path / "d").rglob("*")) if (tmp_path / "d").exists() else True


@pytest.mark.parametrize(
    ("path", "reason", "again"),
    [("/short", "download_failed", True), ("/busy", "download_failed", True), ("/gone", "download_failed", False)],
)
def test_failed_download_says_whether_to_try_again(
    tmp_path: Path, broken: str, path: str, reason: str, again: bool
) -> None:
    with pytest.raises(DownloadFailed) as raised:
        download(broken + path, tmp_path / "x.mp4", max_bytes=10_000, timeout_s=5)
    assert (raised.value.reason, raised.value.again) == (reason, again)
    assert list(tmp_path.iterdir()) == []


def test_redirect_to_a_local_file_is_not_followed(tmp_path: Path, broken: str) -> None:
    with pytest.raises(DownloadFailed):
        download(f"{broken}/file", tmp_path / "x.mp4", max_bytes=10_000, timeout_s=5)
    assert not (tmp_path / "x.mp4").exists()


@pytest.mark.parametrize("address", ["ftp://host/a.mp4", "a.mp4", "data:text/plain,x", "http:///a.mp4"])
def test_other_addresses_are_refused(tmp_path: Path, address: str) -> None:
    with pytest.raises(DownloadFailed) as raised:
        download(address, tmp_path / "x.mp4", max_bytes=10, timeout_s=1)
    assert raised.value.reason == "bad_address"


def test_list_of_addresses_has_comments_and_no_repeats() -> None:
    assert read_addresses("# mine\nhttp://a/1.mp4\n\n http://a/1.mp4 \nhttp://a/2.mp4\n") == [
        "http://a/1.mp4",
        "http://a/2.mp4",
    ]


def test_manifest_holds_no_keys() -> None:
    assert without_secrets("https://me:secret@host/a.mp4?token=abc#x") == "https://host/a.mp4"
