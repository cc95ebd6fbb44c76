"""The attention service: a request becomes a map over the canvas."""

from array import array

from devrobot_interfaces.msg import AttentionMap
from devrobot_interfaces.srv import ComputeAttention
from devrobot_interfaces_py.conversions import ns_to_stamp
from devrobot_world_model.attention import maps
from devrobot_world_model.online import OnlineLoop


def compute_attention(
    loop: OnlineLoop, action: int, request: ComputeAttention.Request
) -> AttentionMap:
    """
    Return where the model looks when it predicts ``action`` from the newest history.

    :raises AttentionError: if the request asks for what is not there.
    :raises NotReadyError: without enough chained frames.
    """
    if request.selection not in (request.SELECT_EXPLICIT, request.SELECT_BRIGHT):
        raise maps.AttentionError(f'selection {request.selection} is neither 0 nor 1')
    if request.aggregation not in list(maps.Aggregation):
        raise maps.AttentionError(f'aggregation {request.aggregation} is not one of 0, 1, 2')
    prediction = loop.predict(action)
    queries = [int(patch) for patch in request.query_patches]
    if request.selection == request.SELECT_BRIGHT:
        threshold = request.brightness_threshold
        queries = maps.bright_patches(loop.layout, prediction.image, threshold)
    weights = loop.attention_weights(action)
    layers = maps.chosen(list(request.layers), len(weights), 'layer')
    heads = maps.chosen(list(request.heads), weights[0].shape[0], 'head')
    found = maps.attention_maps(
        loop.layout,
        weights,
        queries,
        layers=layers,
        heads=heads,
        aggregation=maps.Aggregation(request.aggregation),
    )
    message = AttentionMap(
        aggregation=request.aggregation,
        layers=array('H', layers),
        heads=array('H', heads),
        rows=loop.layout.rows,
        columns=loop.layout.canvas_columns,
        patch_size=loop.layout.patch_size,
        query_patches=array('I', queries),
        weights=array('f', found.ravel().tobytes()),
    )
    message.header.stamp = ns_to_stamp(prediction.stamp_ns)
    return message
