"""CenterFace (ONNX, MIT), computed in bytes but for its heads, from the model that its authors exported."""

from onnx_file import attribute_list
from quantize import Model, Node
from ranges import CENTERFACE

# What the four heads say, and of how many channels: the logit of the heat map, sizes, offsets, landmarks.
HEADS = {"536": 1, "538": 2, "539": 2, "540": 10}


def join_heads(model):
    """One convolution for all heads: they look at the same features."""
    heads = [node for node in model.nodes if node.outputs[0] in HEADS]
    assert [node.outputs[0] for node in heads] == list(HEADS)
    kernel, bias = ([model.weights[node.inputs[at]] for node in heads] for at in (1, 2))
    count = sum(HEADS.values())
    joined = [sum((list(values) for _, values in part), []) for part in (kernel, bias)]
    model.weights["heads.weight"] = [count, *kernel[0][0][1:]], joined[0]
    model.weights["heads.bias"] = [count], joined[1]
    model.constants["heads.split"] = model.graph.integers(list(HEADS.values()))
    at = model.nodes.index(heads[0])
    model.nodes = [node for node in model.nodes if node not in heads]
    model.nodes[at:at] = [
        Node("Conv", [heads[0].inputs[0], "heads.weight", "heads.bias"], ["heads"], attribute_list(kernel_shape=[1, 1])),
        Node("Split", ["heads", "heads.split"], list(HEADS), attribute_list(axis=1)),
    ]


def convert(data, path):
    model = Model(data)
    join_heads(model)
    channels = {"537": 1, "538": 2, "539": 2, "540": 10}
    outputs = [(name, ["n", count, "h4", "w4"]) for name, count in channels.items()]
    model.save(path, CENTERFACE, 1, "input.1", outputs)
