"""CenterFace (ONNX, MIT), computed in bytes but for its heads, from the model that its authors exported."""

import array
import math

from onnx_file import attribute_list
from quantize import Model, Node
from ranges import CENTERFACE

# What the four heads say, and of how many channels: the logit of the heat map, sizes, offsets, landmarks.
HEADS = {"536": 1, "538": 2, "539": 2, "540": 10}
# Channels of what the heads look at, and of what doubles rows and columns.
CHANNELS = 24
# What the batch normalisations add to variances.
EPSILON = 1e-3


class CenterFace(Model):
    def __init__(self, source):
        super().__init__(source)
        for node in [node for node in self.nodes if node.kind == "ConvTranspose"]:
            self.split(node)
        self.join_heads()

    def split(self, node):
        """A convolution to four channels for each, in place of what doubles rows and columns, its normalisation and its bound."""
        at = self.nodes.index(node)
        norm, relu = self.nodes[at + 1 : at + 3]
        assert (norm.kind, relu.kind) == ("BatchNormalization", "Relu")
        shape, kernel = self.weights[node.inputs[1]]
        assert shape == [CHANNELS, CHANNELS, 2, 2]
        gamma, beta, mean, variance = (self.weights[name][1] for name in norm.inputs[1:])
        scale = [g / math.sqrt(v + EPSILON) for g, v in zip(gamma, variance)]
        weights, bias = array.array("f"), array.array("f")
        for place in range(4):
            for channel in range(CHANNELS):
                weights.extend(kernel[4 * (CHANNELS * i + channel) + place] * scale[channel] for i in range(CHANNELS))
                bias.append(beta[channel] - mean[channel] * scale[channel])
        inputs, output = [*node.inputs, norm.inputs[2]], relu.outputs[0]
        self.weights[inputs[1]] = [4 * CHANNELS, CHANNELS, 1, 1], weights
        self.weights[inputs[2]] = [4 * CHANNELS], bias
        self.nodes[at : at + 3] = [
            Node("Conv", inputs, [output + "_parts"], attribute_list(kernel_shape=[1, 1])),
            Node("Join", [output + "_parts"], [output]),
        ]

    def join_heads(self):
        """One product for all heads: they look at the same features."""
        heads = [node for node in self.nodes if node.outputs[0] in HEADS]
        assert [node.outputs[0] for node in heads] == list(HEADS)
        kernels, biases = ([self.weights[node.inputs[at]] for node in heads] for at in (1, 2))
        rows = [values[at : at + CHANNELS] for _, values in kernels for at in range(0, len(values), CHANNELS)]
        self.weights["heads.weight"] = [CHANNELS, len(rows)], [row[at] for at in range(CHANNELS) for row in rows]
        self.weights["heads.bias"] = [len(rows)], [value for _, values in biases for value in values]
        at = self.nodes.index(heads[0])
        last = {name for node in heads for name in node.outputs}
        self.nodes = [node for node in self.nodes if node not in heads and not last & set(node.inputs)]
        self.nodes.insert(at, Node("Heads", [heads[0].inputs[0]], ["faces"]))

    def convert(self, node, bound, first, pad):
        if node.kind == "Join":
            self.join(node)
        elif node.kind == "Heads":
            self.heads(node)
        else:
            super().convert(node, bound, first, pad)

    def join(self, node):
        """Four channels each become two rows and two columns, of one picture: [1, 4 c, h, w] becomes [1, c, 2 h, 2 w]."""
        (parts,), (output,) = node.inputs, node.outputs
        add, shape = self.graph.node, self.graph.integers
        x = add("Transpose", [self.quantized(parts)], perm=[0, 2, 3, 1])
        x = add("Reshape", [x, shape([0, 0, 0, 2, 2 * CHANNELS])])
        x = add("Transpose", [x], perm=[0, 1, 3, 2, 4])
        x = add("Squeeze", [x, shape([0])])
        x = add("Reshape", [x, shape([1, -1, 0, 2 * CHANNELS])])
        x = add("Reshape", [x, shape([0, 0, -1, CHANNELS])])
        add("Transpose", [x], output + "_bytes", perm=[0, 3, 1, 2])
        self.scales[output] = self.scale(parts)
        self.written.add(output + "_bytes")

    def heads(self, node):
        """What all heads say of each cell, by rows and columns: [1, h, w, 15]."""
        (features,) = node.inputs
        add = self.graph.node
        x = add("Transpose", [self.quantized(features)], perm=[0, 2, 3, 1])
        x = add("DequantizeLinear", [x, *self.scale(features)[:2]])
        x = add("MatMul", [x, self.floating("heads.weight")])
        add("Add", [x, self.floating("heads.bias")], node.outputs[0])


def convert(data, path):
    model = CenterFace(data)
    ranges = {**CENTERFACE, **{name + "_parts": CENTERFACE[name] for name in ("514", "521", "528")}}
    model.save(path, ranges, 1, "input.1", [("faces", [1, "h4", "w4", sum(HEADS.values())])])
