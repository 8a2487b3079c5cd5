"""Checks the size of an image, and that two builds produce the same image.

    python -m scripts.images weigh BASE.tar IMAGE.tar     fails if the layers above the base exceed 180 MB unpacked
    python -m scripts.images same FIRST.tar SECOND.tar    fails if the configuration or any layer differs

The files are archives written by `docker save`, or with buildah by `buildah push IMAGE docker-archive:FILE`.
"""

import argparse
import json
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

MEGABYTE = 10**6
MAX_BYTES = 180 * MEGABYTE


class Image(NamedTuple):
    """An image archive. `config` is the digest used as image id; `layers` maps unpacked digests to archive names."""

    archive: Path
    config: str
    layers: dict[str, str]

    def weight(self, layer: str) -> int:
        """Returns the unpacked bytes of the files of a layer."""
        with self._open(layer) as files:
            return sum(entry.size for entry in files if entry.isreg())

    def files(self, layer: str) -> dict[str, tuple[Any, ...]]:
        """Returns the metadata and content hash of each file of a layer, by path."""
        with self._open(layer) as files:
            return {
                each.name: (each.mode, each.uid, each.gid, each.mtime, each.size, _hash(files, each)) for each in files
            }

    @contextmanager
    def _open(self, layer: str) -> Iterator[tarfile.TarFile]:
        with tarfile.open(self.archive) as archive, tarfile.open(fileobj=_part(archive, self.layers[layer])) as files:
            yield files


def read(archive: Path) -> Image:
    """Reads an archive. Raises SystemExit with one sentence if it does not hold exactly one image."""
    try:
        with tarfile.open(archive) as opened:
            (manifest,) = json.load(_part(opened, "manifest.json"))
            config = json.load(_part(opened, manifest["Config"]))
    except (OSError, LookupError, ValueError, tarfile.TarError) as error:
        raise SystemExit(f"{archive} is not an archive of one image as written by `docker save`: {error}") from error
    name = Path(manifest["Config"]).name.removesuffix(".json")
    return Image(archive, name, dict(zip(config["rootfs"]["diff_ids"], manifest["Layers"], strict=True)))


def weigh(base: Image, image: Image) -> int:
    """Prints the size of the layers above the base; returns 1 if they exceed the limit."""
    below = [*base.layers]
    if [*image.layers][: len(below)] != below:
        raise SystemExit(f"{image.archive} is not built from {base.archive}: its first layers differ")
    added = {layer: image.weight(layer) for layer in [*image.layers][len(below) :]}
    for layer, weight in added.items():
        _print(f"{weight / MEGABYTE:7.1f} MB  {layer}")
    total = sum(added.values())
    _print(f"{total / MEGABYTE:7.1f} MB above the base; limit {MAX_BYTES / MEGABYTE:.0f} MB")
    return int(total > MAX_BYTES)


def same(first: Image, second: Image) -> int:
    """Prints whether both archives hold the same image, or which files differ; returns 1 if they differ."""
    for one, other in zip(first.layers, second.layers, strict=False):
        if one != other:
            left, right = first.files(one), second.files(other)
            differing = sorted(name for name in left.keys() | right.keys() if left.get(name) != right.get(name))
            _print(f"layers differ: {one} and {other}, in {len(differing)} files: {', '.join(differing[:10])}")
    if first.config != second.config:
        _print(f"different images: {first.config} and {second.config}")
        return 1
    _print(f"the same image: {first.config}")
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 0 if the check passes, 1 if it fails."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.images", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("check", choices=["weigh", "same"])
    parser.add_argument("archives", nargs=2, type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    one, other = map(read, given.archives)
    return (weigh if given.check == "weigh" else same)(one, other)


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _part(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    part = archive.extractfile(archive.getmember(name))
    if part is None:
        raise LookupError(f"{name} is not a file")
    return part


def _hash(files: tarfile.TarFile, entry: tarfile.TarInfo) -> int:
    part = files.extractfile(entry) if entry.isreg() else None
    return hash(part.read() if part else entry.linkname)


if __name__ == "__main__":
    sys.exit(main())
