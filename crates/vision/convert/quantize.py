"""Makes the convolutions of an ONNX model compute in bytes, with the standard library alone.

A tensor with a known range becomes unsigned bytes: 0 to 255 stand for the values from `low` to `high`, and zero is exactly
one of them. Weights become signed bytes, each output channel with a scale of its own. What bounds a convolution's output
(Relu, Clip) becomes the end of the range. The picture is given in bytes too, as blocks of 2 × 2 pixels, each block its four
pixels by rows: what is nearby then lies together, and the first convolution, which has stride 2, goes from block to block.
"""

import array
import math

from onnx_file import FLOAT, INT8, INT32, UINT8, Graph, attribute_list, fields

LARGEST = 127
# Weights of two channels side by side, if both have one sign, come to so much at most. Processors without VNNI multiply bytes
# two by two and keep each two products' sum in 16 bits: 255 times 128 fits. Rounding moves each of the two by less than one.
LARGEST_PAIR = 126


class Node:
    def __init__(self, kind, inputs, outputs, attributes=b""):
        self.kind, self.inputs, self.outputs, self.attributes = kind, inputs, outputs, attributes

    @classmethod
    def read(cls, data):
        node = cls("", [], [])
        for field, _, value, raw in fields(data):
            if field == 1:
                node.inputs.append(value.decode())
            elif field == 2:
                node.outputs.append(value.decode())
            elif field == 4:
                node.kind = value.decode()
            elif field == 5:
                node.attributes += raw
        return node


def tensor(data):
    """Name, shape and values of a tensor of floats; of another's, no values."""
    shape, values, name, kind = [], b"", "", 0
    for field, wire, value, _ in fields(data):
        if field == 1:
            shape += [value] if wire == 0 else list(value)
        elif field == 2:
            kind = value
        elif field == 8:
            name = value.decode()
        elif field in (4, 9):
            values = value
    return name, (shape, array.array("f", values) if kind == FLOAT else None)


def over_blocks(shape, weights, pad):
    """The weights of a 3 × 3 convolution of stride 2 over pixels, as those of a 2 × 2 convolution over blocks.

    `pad` is what stands before the first row and column, 0 or 1.
    """
    count, channels, height, width = shape
    assert height == width == 3
    result = array.array("f", bytes(4 * count * 16 * channels))
    for at, weight in enumerate(weights):
        rest, column = divmod(at, 3)
        rest, row = divmod(rest, 3)
        output, channel = divmod(rest, channels)
        (block_row, inner_row), (block_column, inner_column) = divmod(row + pad, 2), divmod(column + pad, 2)
        plane = (4 * output + 2 * inner_row + inner_column) * channels + channel
        result[4 * plane + 2 * block_row + block_column] = weight
    return [count, 4 * channels, 2, 2], result


def rounded(values):
    """Whole numbers near these, whose sum is near theirs too.

    What a convolution reads is mostly positive: errors that add up would move its output. So those that are nearest to being
    rounded the other way are.
    """
    result = [round(value) for value in values]
    # Not `sum`, which rounds otherwise from Python 3.12 on.
    surplus = round(sum(result) - math.fsum(values))
    step = 1 if surplus > 0 else -1
    by_error = sorted(range(len(values)), key=lambda at: (values[at] - result[at]) * step)
    for at in by_error[: abs(surplus)]:
        result[at] -= step
    return result


def pairs(values, places):
    """What weights of two input channels side by side come to, if both have one sign. Each channel has so many places."""
    for at in range(0, len(values) - places, 2 * places):
        for one, other in zip(values[at : at + places], values[at + places : at + 2 * places]):
            if one * other > 0:
                yield abs(one + other)


class Model:
    """Reads a model of floats. What it has of nodes and weights can be changed before `save`."""

    def __init__(self, source):
        (graph,) = [value for field, _, value, _ in fields(source) if field == 7]
        parts = [(field, value) for field, _, value, _ in fields(graph)]
        self.nodes = [Node.read(value) for field, value in parts if field == 1]
        self.weights = dict(tensor(value) for field, value in parts if field == 5)
        self.graph, self.ranges, self.scales = Graph("bytes"), {}, {}
        # What the new graph has, by its names; and how it calls the old one's constants.
        self.written, self.constants = set(), {}

    def scale(self, name):
        """The names of a tensor's scale and zero, and the scale."""
        if name not in self.scales:
            low, high = self.ranges[name]
            scale = array.array("f", [(high - low) / 255])[0]
            constant = self.graph.constant
            self.scales[name] = constant([scale], []), constant([round(-low / scale)], [], UINT8), scale
        return self.scales[name]

    def once(self, kind, name, output):
        if output not in self.written:
            self.written.add(output)
            self.graph.add(kind, [name, *self.scale(name.removesuffix("_bytes"))[:2]], [output])
        return output

    def quantized(self, name):
        """The bytes of a tensor, made of its floats where there are none."""
        return self.once("QuantizeLinear", name, name + "_bytes")

    def floating(self, name):
        """The floats of a tensor, made of its bytes where there are none."""
        if name in self.weights and name not in self.constants:
            shape, values = self.weights[name]
            self.constants[name] = self.graph.constant(values, shape)
        if name in self.constants:
            return self.constants[name]
        return name if name in self.written else self.once("DequantizeLinear", name + "_bytes", name + "_floats")

    def convolution(self, node, output, weights, attributes):
        (shape, weights), bias = weights, self.weights[node.inputs[2]][1]
        count = len(weights) // shape[0]
        in_scale, in_zero, step = self.scale(node.inputs[0])
        scales, whole = array.array("f"), array.array("b")
        for channel in range(shape[0]):
            values = weights[channel * count : (channel + 1) * count]
            # Of a channel that is only its bias, what the bias needs to fit.
            least = max(abs(bias[channel]) / (step * 2**30), 1e-9)
            pair = max(pairs(values, count // shape[1]), default=0)
            scales.append(max(max(values) / LARGEST, -min(values) / LARGEST, pair / LARGEST_PAIR, least))
            whole.extend(rounded([value / scales[-1] for value in values]))
            assert max(pairs(whole[-count:], count // shape[1]), default=0) <= 128
        constant = self.graph.constant
        kernel = [constant(whole, shape, INT8), constant(scales, shape[:1]), constant([0] * shape[0], shape[:1], INT8)]
        bias = constant([round(b / (step * s)) for b, s in zip(bias, scales)], shape[:1], INT32)
        inputs = [self.quantized(node.inputs[0]), in_scale, in_zero, *kernel, *self.scale(output)[:2], bias]
        self.graph.add("QLinearConv", inputs, [output + "_bytes"], attributes)
        self.written.add(output + "_bytes")

    def convert(self, node, bound, first, pad):
        """One node, with the one after it that bounds its output, if there is one."""
        output = (bound or node).outputs[0]
        if node.kind == "Conv" and output in self.ranges and node.inputs[0] in self.ranges:
            weights, attributes = self.weights[node.inputs[1]], node.attributes
            if node.inputs[0] == first:
                weights, end = over_blocks(*weights, pad), 1 - pad
                attributes = attribute_list(kernel_shape=[2, 2], pads=[pad, pad, end, end], strides=[1, 1])
            self.convolution(node, output, weights, attributes)
            return
        self.graph.add(node.kind, [self.floating(name) for name in node.inputs], node.outputs, node.attributes)
        self.written.update(node.outputs)
        if bound:
            self.convert(bound, None, first, pad)
        elif node.kind == "Add" and output in self.ranges:
            # Everybody takes its bytes: the runtime then adds bytes, and makes no floats.
            self.quantized(output)
            self.written.discard(output)

    def save(self, path, ranges, pad, first, outputs):
        """Writes the model with bytes where `ranges` has a tensor. `first` is the picture; its convolution has this `pad`."""
        self.ranges = ranges
        self.graph.add("Transpose", ["blocks"], [first + "_bytes"], attribute_list(perm=[0, 3, 1, 2]))
        self.written.add(first + "_bytes")
        consumers = {}
        for node in self.nodes:
            for name in node.inputs:
                consumers.setdefault(name, []).append(node)
        done = set()
        for node in self.nodes:
            after = consumers.get(node.outputs[0], [])
            bound = after[0] if len(after) == 1 and after[0].kind in ("Relu", "Clip") else None
            if node not in done:
                self.convert(node, bound, first, pad)
                done.add(bound)
        self.graph.save(path, [("blocks", ["n", "rows", "columns", 12], UINT8)], outputs)
