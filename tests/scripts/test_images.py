"""Size of an image, and equality of two builds."""

import io
import json
import tarfile
from hashlib import sha256
from pathlib import Path

import pytest

from scripts import images


def _layer(files: dict[str, bytes], mtime: int = 0) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as layer:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime = len(content), mtime
            layer.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def _archive(path: Path, *layers: bytes) -> Path:
    """As `docker save` writes it."""
    names = [f"{number}.tar" for number in range(len(layers))]
    config = json.dumps({"rootfs": {"diff_ids": [f"sha256:{sha256(layer).hexdigest()}" for layer in layers]}}).encode()
    name = f"{sha256(config).hexdigest()}.json"
    manifest = json.dumps([{"Config": name, "Layers": names}]).encode()
    files = {"manifest.json": manifest, name: config, **dict(zip(names, layers, strict=True))}
    path.write_bytes(_layer(files))
    return path


BASE = _layer({"bin/python": b"p" * 5_000_000})


def test_only_what_lies_above_the_base_is_weighed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = _archive(tmp_path / "base.tar", BASE)
    image = _archive(tmp_path / "image.tar", BASE, _layer({"a": b"a" * 2_000_000}), _layer({"b": b"b" * 1_000_000}))
    assert images.main(["weigh", str(base), str(image)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "    3.0 MB above the base; limit 180 MB"


def test_an_image_that_is_too_heavy_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = _archive(tmp_path / "base.tar", BASE)
    image = _archive(tmp_path / "image.tar", BASE, _layer({"a": b"a" * 2_000_001}))
    monkeypatch.setattr(images, "MAX_BYTES", 2_000_000)
    assert images.main(["weigh", str(base), str(image)]) == 1


def test_an_image_of_another_base_is_not_weighed(tmp_path: Path) -> None:
    base = _archive(tmp_path / "base.tar", BASE)
    image = _archive(tmp_path / "image.tar", _layer({"bin/python": b"q"}))
    with pytest.raises(SystemExit, match=r"image\.tar is not built from .*base\.tar"):
        images.main(["weigh", str(base), str(image)])


def test_the_same_layers_are_the_same_image(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = _archive(tmp_path / "first.tar", BASE, _layer({"a": b"a"}))
    second = _archive(tmp_path / "second.tar", BASE, _layer({"a": b"a"}))
    assert images.main(["same", str(first), str(second)]) == 0
    assert capsys.readouterr().out.startswith("the same image: ")


@pytest.mark.parametrize(
    "other", [_layer({"a": b"a", "b": b"other"}), _layer({"a": b"a", "b": b"b"}, mtime=1), _layer({"a": b"a"})]
)
def test_the_files_that_make_two_images_of_one_are_named(
    tmp_path: Path, other: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    first = _archive(tmp_path / "first.tar", BASE, _layer({"a": b"a", "b": b"b"}))
    second = _archive(tmp_path / "second.tar", BASE, other)
    assert images.main(["same", str(first), str(second)]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("layers differ: ")
    assert said[0].split(": ")[-1].split(", ")[-1] == "b"
    assert said[1].startswith("different images: ")


def test_what_is_no_image_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no archive")
    with pytest.raises(SystemExit, match=r"notes\.txt is not an archive of one image as written by `docker save`"):
        images.main(["same", str(tmp_path / "notes.txt"), str(tmp_path / "notes.txt")])
