"""Scores what the contenders wrote against a reference.

    python score.py PHOTOS REFERENCES EXTENSION OUT...

The reference of a photo is the whole of it, decoded at full size, turned upright and brought to 2048 pixels by Lanczos 3.
Prints for each OUT the SSIMULACRA2 of its 2048 pixel file of each photo, the mean of them, and the bytes of all its files.
"""

import json
import sys
from pathlib import Path

from PIL import Image, ImageOps
from ssimulacra2 import compute_ssimulacra2

Image.MAX_IMAGE_PIXELS = None


def reference(photo, folder):
    target = folder / f"{photo.stem}.png"
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        picture = ImageOps.exif_transpose(Image.open(photo)).convert("RGB")
        scale = 2048 / max(picture.size)
        size = tuple(max(1, int(edge * scale + 0.5)) for edge in picture.size)
        picture.resize(size, Image.LANCZOS).save(target, compress_level=1)
    return target


def main(photos, references, extension, *outs):
    photos = sorted(Path(photos).glob("*.jpg"))
    for out in map(Path, outs):
        scores = {}
        for photo in photos:
            written = Image.open(out / f"{photo.stem}_2048.{extension}").convert("RGB")
            original = reference(photo, Path(references))
            if written.size != Image.open(original).size:
                sys.exit(f"{out}: {photo.stem} has {written.size}, the reference {Image.open(original).size}")
            # The metric reads files.
            plain = out / "scored.png"
            written.save(plain, compress_level=1)
            scores[photo.stem] = round(compute_ssimulacra2(str(original), str(plain)), 3)
        size = sum(file.stat().st_size for file in out.glob(f"*.{extension}"))
        mean = round(sum(scores.values()) / len(scores), 3)
        print(json.dumps({"ssimulacra2": mean, "bytes": size, **scores}, separators=(",", ":")), flush=True)


main(*sys.argv[1:])
