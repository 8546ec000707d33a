"""Structured derivatives: layer by layer, without ever forming a Jacobian (Novak et al. 2022, section 3.3).

A linear layer with inputs A (n, fan_in) and gradients G (n, fan_out) at its outputs contributes
(A A^T) * (G G^T) for its weights and G G^T for its biases, each times the square of its scale.
"""

import torch
from torch import Tensor, nn

from ntkverify.networks import Elementwise, NTKLinear

LINEAR = (NTKLinear, nn.Linear)


def applies(net: nn.Module) -> bool:
    """Whether `net` is a plain chain of distinct linear layers and activations."""
    if type(net) is not nn.Sequential:
        return False
    linears = [module for module in net if isinstance(module, LINEAR)]
    parameters = [id(parameter) for module in linears for parameter in module.parameters()]
    return (
        all(type(module) in (*LINEAR, Elementwise) for module in net)
        and len(set(map(id, linears))) == len(linears)
        and len(set(parameters)) == len(parameters)  # a shared weight adds cross terms
        and not any(module._forward_hooks or module._forward_pre_hooks for module in net.modules())
    )


def structured_derivatives(net: nn.Sequential, x1: Tensor, x2: Tensor) -> Tensor:
    """The empirical NTK (n1, n2, outputs, outputs) of x1 (n1, d) against x2 (n2, d).

    Memory: (n1 + n2) x outputs x units, beside the result.
    """
    first = _inputs_and_gradients(net, x1)
    second = first if x2 is x1 else _inputs_and_gradients(net, x2)
    total = 0.0
    for module in net:
        if isinstance(module, LINEAR):
            (inputs1, gradients1), (inputs2, gradients2) = first[module], second[module]
            # (o1, n1, units) x (o2, n2, units) -> (n1, n2, o1, o2)
            products = torch.einsum("oiu,pju->ijop", gradients1, gradients2)
            total = total + products * _weight(module, inputs1, inputs2)[:, :, None, None]
    return total


def _weight(module: nn.Module, inputs1: Tensor, inputs2: Tensor) -> Tensor:
    """(n1, n2): what the trainable weights and biases of one layer multiply G G^T by."""
    weight_scale, bias_scale = getattr(module, "weight_scale", 1.0), getattr(module, "bias_scale", 1.0)
    factor = torch.zeros(len(inputs1), len(inputs2), dtype=inputs1.dtype, device=inputs1.device)
    if module.weight.requires_grad:
        factor = factor + weight_scale**2 * (inputs1 @ inputs2.T)
    if module.bias is not None and module.bias.requires_grad:
        factor = factor + bias_scale**2
    return factor


def _inputs_and_gradients(net: nn.Sequential, x: Tensor) -> dict[nn.Module, tuple[Tensor, Tensor]]:
    """Per linear layer: its inputs (n, fan_in), and the outputs' gradients (outputs, n, fan_out) at its outputs."""
    inputs, outputs = {}, {}
    value = x
    with torch.enable_grad():
        for module in net:
            if isinstance(module, LINEAR):
                inputs[module] = value.detach()
                value = module(value)
                if not value.requires_grad:  # a frozen layer still passes gradients on
                    value.requires_grad_()
                outputs[module] = value
            else:
                value = module(value)
        # Rows do not mix, so the gradient of a column's sum holds every row's own gradient.
        columns = [
            torch.autograd.grad(column.sum(), list(outputs.values()), retain_graph=True)
            for column in value.unbind(dim=1)
        ]
    return {
        module: (inputs[module], torch.stack([column[index] for column in columns]))
        for index, module in enumerate(outputs)
    }
