"""dlib's face recognition network (dlib_face_recognition_resnet_model_v1.dat, CC0) as ONNX.

dlib writes an integer as a control byte (sign bit, length) and little-endian bytes, a text as length and bytes, and a
tensor as version 2, four dimensions and raw floats. Layers stand in the file from the input up, so their parameters can
be read in the order of the data flow.
"""

import array

from onnx_file import Graph


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def integer(self):
        control = self.data[self.at]
        size = control & 0x0F
        value = int.from_bytes(self.data[self.at + 1 : self.at + 1 + size], "little")
        self.at += 1 + size
        return -value if control & 0x80 else value

    def tensor(self):
        assert self.integer() == 2, "tensor version"
        count = 1
        for _ in range(4):
            count *= self.integer()
        values = array.array("f", self.data[self.at : self.at + 4 * count])
        self.at += 4 * count
        return values

    def layer(self, name):
        """The parameters of the next layer of this kind."""
        mark = bytes([1, len(name)]) + name
        self.at = self.data.index(mark, self.at) + len(mark)
        if name == b"fc_2":
            self.integer(), self.integer()
        return self.tensor()


def convert(data, path):
    reader, graph = Reader(data), Graph("dlib_resnet")

    def convolution(x, inputs, outputs, size, stride):
        """A convolution and the affine layer after it, as one."""
        weights, affine = reader.layer(b"con_4"), reader.layer(b"affine_")
        count = inputs * size * size
        assert len(weights) == outputs * (count + 1) and len(affine) == 2 * outputs
        scaled = [w * affine[i // count] for i, w in enumerate(weights[:-outputs])]
        bias = [weights[i - outputs] * affine[i] + affine[outputs + i] for i in range(outputs)]
        kernel = graph.constant(scaled, [outputs, inputs, size, size])
        pad = [size // 2 if stride == 1 else 0] * 4
        return graph.node("Conv", [x, kernel, graph.constant(bias, [outputs])],
                          kernel_shape=[size, size], strides=[stride, stride], pads=pad)

    def residual(x, channels):
        y = graph.node("Relu", [convolution(x, channels, channels, 3, 1)])
        return graph.node("Relu", [graph.node("Add", [x, convolution(y, channels, channels, 3, 1)])])

    def residual_down(x, inputs, outputs, side):
        """Halves the side. Both branches are padded with zeros to the larger one, at the end, as dlib adds them."""
        y = graph.node("Relu", [convolution(x, inputs, outputs, 3, 2)])
        y = convolution(y, outputs, outputs, 3, 1)
        pooled, strided = side // 2, (side - 3) // 2 + 1
        x = graph.node("AveragePool", [x], kernel_shape=[2, 2], strides=[2, 2])
        if pooled > strided:
            y = graph.node("Pad", [y, graph.integers([0] * 6 + [pooled - strided] * 2)])
        if outputs > inputs:
            x = graph.node("Pad", [x, graph.integers([0] * 5 + [outputs - inputs, 0, 0])])
        return graph.node("Relu", [graph.node("Add", [x, y])]), pooled

    x = graph.node("Sub", ["input", graph.constant([122.782, 117.001, 104.298], [1, 3, 1, 1])])
    x = graph.node("Div", [x, graph.constant([256.0], [1])])
    x = graph.node("Relu", [convolution(x, 3, 32, 7, 2)])
    x = graph.node("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2])
    side = 35
    for _ in range(3):
        x = residual(x, 32)
    for inputs, outputs, repeats in ((32, 64, 3), (64, 128, 2), (128, 256, 2), (256, 256, 0)):
        x, side = residual_down(x, inputs, outputs, side)
        for _ in range(repeats):
            x = residual(x, outputs)
    x = graph.node("Flatten", [graph.node("GlobalAveragePool", [x])])
    weights = graph.constant(reader.layer(b"fc_2"), [256, 128])
    graph.node("MatMul", [x, weights], output="embedding")
    graph.save(path, [("input", ["n", 3, 150, 150])], [("embedding", ["n", 128])])
