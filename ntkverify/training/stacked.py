"""Several networks of one shape as one module, so that small ones train together."""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, jacrev, stack_module_state, vmap

from ntkverify.models import Examples, Model


class Stacked(nn.Module):
    """Networks of one shape as one module: (n, d) -> (networks, n, outputs). The ones given stay as they are."""

    def __init__(self, nets: Sequence[nn.Module]):
        super().__init__()
        parameters, self._state = stack_module_state(list(nets))
        self._names = list(parameters)
        frozen_stay = (nn.Parameter(p.detach(), requires_grad=p.requires_grad) for p in parameters.values())
        self.stacked = nn.ParameterList(frozen_stay)
        # Without values, and hidden from this module's own parameters.
        self._shape = [copy.deepcopy(nets[0]).to("meta")]

    def forward(self, x: Tensor) -> Tensor:
        return vmap(lambda one: functional_call(self._shape[0], one, (x,)))(self._all())

    def ntk(self, x: Tensor) -> Tensor:
        """Computes the empirical NTK of each network, its mean over outputs: (networks, n, n)."""
        trained = {
            name: p.detach() for name, p in zip(self._names, self.stacked, strict=True) if p.requires_grad
        }
        rest = {name: value.detach() for name, value in self._all().items() if name not in trained}

        def kernel(moving: dict[str, Tensor], fixed: dict[str, Tensor]) -> Tensor:
            jacobian = jacrev(lambda some: functional_call(self._shape[0], some | fixed, (x,)))(moving)
            rows = [part.reshape(*part.shape[:2], -1) for part in jacobian.values()]
            flat = torch.cat(rows, dim=2)  # (n, outputs, parameters)
            return torch.einsum("iop,jop->ij", flat, flat) / flat.shape[1]

        return vmap(kernel)(trained, rest)

    def _all(self) -> dict[str, Tensor]:
        return dict(zip(self._names, self.stacked, strict=True)) | self._state


class StackedModel(Model):
    """Stacked networks as a model, whose outputs (networks, n, outputs) stay apart."""

    def __call__(self, x: Examples) -> Tensor:
        """Returns the outputs of all networks."""
        return self.net(x.only)

    def for_gradients(self, x: Examples) -> Tensor:
        """Returns the outputs of all networks, as they are."""
        return self.examined(x)

    def values_and_shape(self, x: Examples) -> tuple[Tensor, tuple[int, ...]]:
        """Returns the outputs of all networks, and the shape of one example's."""
        values = self.values(x)
        return values, tuple(values.shape[2:])
