"""What an image weighs beyond its base, and whether two builds are the same image.

    python -m scripts.images weigh BASE.tar IMAGE.tar     at most 180 MB unpacked beyond the base
    python -m scripts.images same FIRST.tar SECOND.tar    the same digest of configuration and of every layer

Each file is what `docker save` writes (with buildah: `buildah push IMAGE docker-archive:FILE`).
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
HEAVIEST = 180 * MEGABYTE


class Image(NamedTuple):
    """`config` is the digest that is the image's id; `layers` are names in the archive, by digest when unpacked."""

    archive: Path
    config: str
    layers: dict[str, str]

    def weight(self, layer: str) -> int:
        """Bytes of the files of a layer, unpacked."""
        with self._open(layer) as files:
            return sum(entry.size for entry in files if entry.isreg())

    def files(self, layer: str) -> dict[str, tuple[Any, ...]]:
        """What makes the difference between two layers, by path."""
        with self._open(layer) as files:
            return {
                each.name: (each.mode, each.uid, each.gid, each.mtime, each.size, _hash(files, each)) for each in files
            }

    @contextmanager
    def _open(self, layer: str) -> Iterator[tarfile.TarFile]:
        with tarfile.open(self.archive) as archive, tarfile.open(fileobj=_part(archive, self.layers[layer])) as files:
            yield files


def read(archive: Path) -> Image:
    """Raises SystemExit with one sentence when the file is no archive of one image."""
    try:
        with tarfile.open(archive) as opened:
            (manifest,) = json.load(_part(opened, "manifest.json"))
            config = json.load(_part(opened, manifest["Config"]))
    except (OSError, LookupError, ValueError, tarfile.TarError) as error:
        raise SystemExit(f"{archive} is not what `docker save` writes of one image: {error}") from error
    name = Path(manifest["Config"]).name.removesuffix(".json")
    return Image(archive, name, dict(zip(config["rootfs"]["diff_ids"], manifest["Layers"], strict=True)))


def weigh(base: Image, image: Image) -> int:
    """Say what the layers beyond the base weigh; 1 when that is too much."""
    below = [*base.layers]
    if [*image.layers][: len(below)] != below:
        raise SystemExit(f"{image.archive} is not built from {base.archive}: its first layers are others")
    beyond = {layer: image.weight(layer) for layer in [*image.layers][len(below) :]}
    for layer, weight in beyond.items():
        _say(f"{weight / MEGABYTE:7.1f} MB  {layer}")
    total = sum(beyond.values())
    _say(f"{total / MEGABYTE:7.1f} MB beyond the base, of at most {HEAVIEST / MEGABYTE:.0f}")
    return int(total > HEAVIEST)


def same(first: Image, second: Image) -> int:
    """Say whether both are one image, else which files make the difference; 1 when they aren't."""
    for one, other in zip(first.layers, second.layers, strict=False):
        if one != other:
            ours, theirs = first.files(one), second.files(other)
            differing = sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))
            _say(f"layers differ: {one} and {other}, in {len(differing)} files: {', '.join(differing[:10])}")
    if first.config != second.config:
        _say(f"two images: {first.config} and {second.config}")
        return 1
    _say(f"the same image: {first.config}")
    return 0


def main(arguments: list[str] | None = None) -> int:
    """0 when what was asked for holds."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.images", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("question", choices=["weigh", "same"])
    parser.add_argument("archives", nargs=2, type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    one, other = map(read, given.archives)
    return (weigh if given.question == "weigh" else same)(one, other)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _part(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    part = archive.extractfile(archive.getmember(name))
    if part is None:
        raise LookupError(f"{name} is no file")
    return part


def _hash(files: tarfile.TarFile, entry: tarfile.TarInfo) -> int:
    part = files.extractfile(entry) if entry.isreg() else None
    return hash(part.read() if part else entry.linkname)


if __name__ == "__main__":
    sys.exit(main())
