"""EfficientNet-Lite2 (PyTorch weights, Apache-2.0) as ONNX, without PyTorch, its convolutions computed in bytes.

Two outputs: the probabilities of 1,000 classes, and the 1,280 features before the classifier less their expected value
under the last batch normalisation, so that unrelated photos have a cosine near zero.
"""

import array
import collections
import io
import math
import pickle
import struct

from onnx_file import Graph
from quantize import Model
from ranges import EFFICIENTNET

SIDE = 260
OUTPUTS = [("probabilities", ["n", 1000]), ("features", ["n", 1280])]
# Repeats, kernel and stride of each stage of EfficientNet-B0; Lite2 repeats 1.2 times as often.
STAGES = [(1, 3, 1), (2, 3, 2), (2, 5, 2), (3, 3, 2), (3, 5, 1), (4, 5, 2), (1, 3, 1)]


class Storage:
    def __init__(self, kind):
        self.kind, self.values = kind, None


class Reader(pickle.Unpickler):
    """Reads the weights and builds nothing else, whatever the file names."""

    def __init__(self, file, storages):
        super().__init__(file)
        self.storages = storages

    def find_class(self, module, name):
        known = {
            "_rebuild_tensor_v2": lambda storage, offset, size, strides, *_: (storage, offset, size, strides),
            "OrderedDict": collections.OrderedDict,
            "FloatStorage": "f",
            "LongStorage": "q",
        }
        if name not in known:
            raise pickle.UnpicklingError(f"{module}.{name} is not expected in these weights")
        return known[name]

    def persistent_load(self, key):
        return self.storages.setdefault(key[2], Storage(key[1]))


def read_weights(data):
    file, storages = io.BytesIO(data), {}
    for _ in range(3):
        Reader(file, storages).load()
    tensors = Reader(file, storages).load()
    for key in Reader(file, storages).load():
        storage = storages[key]
        (count,) = struct.unpack("<q", file.read(8))
        storage.values = array.array(storage.kind, file.read(count * struct.calcsize("<" + storage.kind)))
    weights = {}
    for name, (storage, offset, size, strides) in tensors.items():
        # The weights came from TensorFlow: many are transposed views of what is stored.
        places = [offset]
        for count, step in zip(size, strides):
            places = [place + step * index for place in places for index in range(count)]
        weights[name] = (array.array(storage.kind, map(storage.values.__getitem__, places)), list(size))
    return weights


def expected_clipped(mean, deviation):
    """The expected value of min(max(x, 0), 6) for a normal x."""
    if deviation < 1e-6:
        return min(max(mean, 0.0), 6.0)

    def positive_part(mean):
        z = mean / deviation
        density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
        return mean * 0.5 * (1 + math.erf(z / math.sqrt(2))) + deviation * density

    return positive_part(mean) - positive_part(mean - 6)


def floating(data):
    """The model in floats, of a picture whose bytes are (value - 127) / 128."""
    weights, graph = read_weights(data), Graph("efficientnet_lite2")
    low, high = graph.constant([0.0], []), graph.constant([6.0], [])

    def convolution(x, name, norm, stride, side, groups=1, clip=True):
        """A convolution with TensorFlow's padding and its batch normalisation, as one."""
        kernel, shape = weights[name + ".weight"]
        gamma, beta, mean, variance = (
            weights[f"{norm}.{part}"][0] for part in ("weight", "bias", "running_mean", "running_var")
        )
        scale = [g / math.sqrt(v + 1e-3) for g, v in zip(gamma, variance)]
        count = len(kernel) // shape[0]
        scaled = [w * scale[i // count] for i, w in enumerate(kernel)]
        bias = [b - m * s for b, m, s in zip(beta, mean, scale)]
        result = -(-side // stride)
        pad = max((result - 1) * stride + shape[2] - side, 0)
        pads = [pad // 2, pad // 2, pad - pad // 2, pad - pad // 2]
        x = graph.node("Conv", [x, graph.constant(scaled, shape), graph.constant(bias, [len(bias)])],
                       kernel_shape=shape[2:], strides=[stride, stride], pads=pads, group=groups)
        return (graph.node("Clip", [x, low, high]) if clip else x), result

    x, side = convolution("input", "_conv_stem", "_bn0", 2, SIDE)
    block = 0
    for index, (repeats, _, first_stride) in enumerate(STAGES):
        for repeat in range(repeats if index in (0, 6) else math.ceil(1.2 * repeats)):
            name, stride, before = f"_blocks.{block}", first_stride if repeat == 0 else 1, x
            channels = weights[name + "._depthwise_conv.weight"][1][0]
            inputs = channels
            if name + "._expand_conv.weight" in weights:
                inputs = weights[name + "._expand_conv.weight"][1][1]
                x, side = convolution(x, name + "._expand_conv", name + "._bn0", 1, side)
            x, side = convolution(x, name + "._depthwise_conv", name + "._bn1", stride, side, channels)
            x, side = convolution(x, name + "._project_conv", name + "._bn2", 1, side, clip=False)
            if stride == 1 and inputs == weights[name + "._project_conv.weight"][1][0]:
                x = graph.node("Add", [x, before])
            block += 1
    assert f"_blocks.{block}._depthwise_conv.weight" not in weights
    x, _ = convolution(x, "_conv_head", "_bn1", 1, side)
    pooled = graph.node("Flatten", [graph.node("GlobalAveragePool", [x])])
    # Rounded, so that another mathematics library gives the same bytes.
    expected = [round(expected_clipped(b, abs(g)), 4) for b, g in zip(weights["_bn1.bias"][0], weights["_bn1.weight"][0])]
    graph.node("Sub", [pooled, graph.constant(expected, [1, 1280])], output="features")
    classifier = [pooled, graph.constant(*weights["_fc.weight"]), graph.constant(*weights["_fc.bias"])]
    graph.node("Softmax", [graph.node("Gemm", classifier, transB=1)], output="probabilities", axis=1)
    return graph.model([("input", ["n", 3, SIDE, SIDE])], OUTPUTS)


def convert(data, path):
    Model(floating(data)).save(path, EFFICIENTNET, 0, "input", OUTPUTS)
