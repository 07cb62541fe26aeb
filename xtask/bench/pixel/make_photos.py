"""Makes the photos of the pixel benchmark: wallpapers at the sizes of cameras, with the noise of a sensor.

    python make_photos.py WALLPAPERS OUT
    python make_photos.py --people PHOTOS OUT    people, enlarged, for the load test
    python make_photos.py --small PHOTOS OUT     what is in a folder, at 480 pixels

A wallpaper is cleaner than what a camera writes, and entropy decoding is most of the work, so each photo gets as much
signal-dependent luma and chroma noise as brings it to the size that such a camera's files have. Same input, same output.
"""

import io
import sys
from pathlib import Path

import numpy as np
from PIL import Image

Image.MAX_IMAGE_PIXELS = None

# name, width and height, chroma subsampling (0: 4:4:4, 1: 4:2:2, 2: 4:2:0), quality, megabytes, orientation, wallpaper
PHOTOS = [
    ("24mp_422_a", (6000, 4000), 1, 94, 11.5, 1, "life_by_Aitzol_Berasategi.jpg"),
    ("24mp_420_a", (6000, 4000), 2, 93, 9.0, 1, "picosdeeuropa_by_Aitzol_Berasategi.jpg"),
    ("24mp_420_turned", (6000, 4000), 2, 93, 8.2, 6, "aitzgorri_by_Aitzol_Berasategi.jpg"),
    ("24mp_444", (6000, 4000), 0, 92, 12.5, 1, "Picture_1A_by_freespace.jpg"),
    ("24mp_422_b", (6000, 4000), 1, 94, 8.5, 1, "seeding_by_Clements_Engelhardt.jpg"),
    ("12mp_420", (4240, 2832), 2, 93, 5.2, 1, "Dragonfly_by_Bolly.jpg"),
    ("45mp_422", (8256, 5504), 1, 93, 17.0, 1, "sunset_by_Aitzol_Berasategi.jpg"),
    ("33mp_420", (7008, 4672), 2, 92, 11.0, 1, "Elephants_5640x3172.jpg"),
]

# People whom the models find; enlarged, the faces are as large as on a portrait.
PEOPLE = [
    ("24mp_people_a", (6000, 4000), 2, 93, 8.5, 1, "DEMO_0012_four-by-the-window.jpg"),
    ("24mp_people_b", (6000, 4000), 1, 94, 10.5, 1, "DEMO_0025_three-at-the-bar.jpg"),
    ("45mp_people", (5504, 8256), 2, 92, 15.0, 1, "DEMO_0011_friends.jpg"),
    ("12mp_people", (4240, 2832), 2, 93, 5.5, 1, "DEMO_0034_three-on-a-sofa.jpg"),
]


def cover(picture, width, height):
    """Fills the size, cutting off what is too much."""
    scale = max(width / picture.width, height / picture.height)
    size = max(width, round(picture.width * scale)), max(height, round(picture.height * scale))
    picture = picture.resize(size, Image.LANCZOS)
    x, y = (picture.width - width) // 2, (picture.height - height) // 2
    return picture.crop((x, y, x + width, y + height))


def grain(random, height, width, coarse):
    """Noise of deviation 1, correlated over about a pixel (or two, if coarse), as demosaicing leaves it."""
    if coarse:
        small = random.standard_normal((height // 2 + 1, width // 2 + 1), dtype=np.float32)
        noise = np.repeat(np.repeat(small, 2, axis=0), 2, axis=1)[:height, :width]
    else:
        noise = random.standard_normal((height, width), dtype=np.float32)
    for axis in (0, 1):
        noise = noise * 0.7 + (np.roll(noise, 1, axis) + np.roll(noise, -1, axis)) * 0.15
    return noise / noise.std()


def with_noise(picture, sigma, seed):
    random = np.random.default_rng(seed)
    pixels = np.asarray(picture).astype(np.float32)
    height, width, _ = pixels.shape
    strength = 0.45 + 0.9 * np.sqrt(1 - pixels.mean(axis=2) / 255 * 0.8)  # more in the shadows
    luma = grain(random, height, width, coarse=False) * sigma
    for channel in range(3):
        pixels[..., channel] += (luma + grain(random, height, width, coarse=True) * sigma * 0.35) * strength
    return Image.fromarray(np.clip(pixels + 0.5, 0, 255).astype(np.uint8))


def fitting_sigma(picture, subsampling, quality, megabytes):
    """The noise that brings the photo to its size, by bisection on four strips."""
    strips = Image.new("RGB", (picture.width, 1024))
    for index in range(4):
        y = int(picture.height * (index + 0.5) / 4) // 16 * 16 - 128
        strips.paste(picture.crop((0, y, picture.width, y + 256)), (0, 256 * index))
    low, high = 0.2, 14.0
    for _ in range(6):
        sigma = (low + high) / 2
        file = io.BytesIO()
        with_noise(strips, sigma, 1).save(file, "JPEG", quality=quality, subsampling=subsampling)
        if file.tell() * picture.height / 1024 / 1e6 > megabytes:
            high = sigma
        else:
            low = sigma
    return (low + high) / 2


def make(photos, pictures, out, seed):
    found = {path.name: path for path in sorted(Path(pictures).rglob("*.jpg"))}
    out.mkdir(parents=True, exist_ok=True)
    for index, (name, size, subsampling, quality, megabytes, orientation, wallpaper) in enumerate(photos):
        target = out / f"{name}.jpg"
        if target.exists():
            continue
        picture = cover(Image.open(found[wallpaper]).convert("RGB"), *size)
        picture = with_noise(picture, fitting_sigma(picture, subsampling, quality, megabytes), seed + index)
        exif = Image.Exif()
        exif[0x0112] = orientation
        unfinished = target.with_suffix(".part")
        picture.save(unfinished, "JPEG", quality=quality, subsampling=subsampling, exif=exif)
        unfinished.rename(target)
        print(name, size, f"{target.stat().st_size / 1e6:.1f} MB", flush=True)


def make_small(photos, out):
    out.mkdir(parents=True, exist_ok=True)
    for path in sorted(Path(photos).glob("*.jpg")):
        target = out / path.name
        if not target.exists():
            picture = Image.open(path).convert("RGB")
            picture.thumbnail((480, 480), Image.LANCZOS)
            picture.save(target.with_suffix(".part"), "JPEG", quality=80)
            target.with_suffix(".part").rename(target)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--people", photos, out]:
            make(PEOPLE, photos, Path(out), 200)
        case ["--small", photos, out]:
            make_small(photos, Path(out))
        case [wallpapers, out]:
            make(PHOTOS, wallpapers, Path(out), 100)
        case _:
            sys.exit(__doc__)
