"""Bugs in the training of networks, in methods, and in what a gap is taken apart into."""

from mutations.mutant import Mutant

TESTS = ("tests/test_train.py",)
GAP = ("tests/test_gap.py",)

STEPPING = ("tests/test_stepping.py",)

MUTANTS = (
    Mutant(
        name="weight decay is 15% too strong",
        file="methods.py",
        old="return torch.optim.SGD(parameters, learning_rate, weight_decay=weight_decay)",
        new="return torch.optim.SGD(parameters, learning_rate, weight_decay=1.15 * weight_decay)",
        tests=TESTS,
        families="regime",
    ),
    Mutant(
        name="momentum does without weight decay",
        file="methods.py",
        old="return torch.optim.SGD(parameters, learning_rate, self.momentum, weight_decay=weight_decay)",
        new="return torch.optim.SGD(parameters, learning_rate, self.momentum)",
        tests=TESTS,
    ),
    Mutant(
        name="the heavy ball's gradient is dampened",
        file="methods.py",
        old="velocity = momentum * velocity + residual",
        new="velocity = momentum * velocity + (1 - momentum) * residual",
        tests=("tests/predict/test_dynamics.py", *TESTS),
        families="training or regime",
    ),
    Mutant(
        name="Nesterov's step is the heavy ball's",
        file="methods.py",
        old="return self.momentum, 1.0, self.momentum",
        new="return self.momentum, 0.0, 1.0",
        tests=("tests/predict/test_dynamics.py", *TESTS),
        families="training or regime",
    ),
    Mutant(
        name="weights move before the gradient is handed on",
        file="training/stepping.py",
        old="""        handed_on = ctx.layer.handed_on(gradient, ctx.rows) if ctx.needs_input_grad[0] else None
        ctx.layer.step(gradient, ctx.rows)
""",
        new="""        ctx.layer.step(gradient, ctx.rows)
        handed_on = ctx.layer.handed_on(gradient, ctx.rows) if ctx.needs_input_grad[0] else None
""",
        tests=STEPPING,
        families="training or equivalence",
    ),
    Mutant(
        name="a bias steps as if its scale were 1",
        file="training/stepping.py",
        old="gradient.shape[1]), self.scales[1])",
        new="gradient.shape[1]), 1.0)",
        tests=STEPPING,
        families="training or equivalence",
    ),
    Mutant(
        name="frozen weights step",
        file="training/stepping.py",
        old="None if value is None or not value.requires_grad else",
        new="None if value is None else",
        tests=STEPPING,
    ),
    Mutant(
        name="a bias has no part in the NTK of networks that step",
        file="training/stepping.py",
        old="+ bias * self.scales[1] ** 2",
        new="",
        tests=STEPPING,
        families="training or regime",
    ),
    Mutant(
        name="networks of unlike scales step at once",
        file="training/stepping.py",
        old="return used_once and plain and len({_scales(net) for net in nets}) == 1",
        new="return used_once and plain",
        tests=STEPPING,
    ),
    Mutant(
        name="a layer that is used twice steps twice",
        file="training/stepping.py",
        old="return used_once and plain",
        new="return plain",
        tests=STEPPING,
    ),
    Mutant(
        name="hooks of networks that step are passed over",
        file="training/stepping.py",
        old="return bool(module._forward_hooks or module._forward_pre_hooks or module._backward_hooks)",
        new="return False",
        tests=STEPPING,
    ),
    Mutant(
        name="penalties are left out where layers step",
        file="training/descent.py",
        old="if isinstance(net, Stepping) and not (penalty or weight_decay):",
        new="if isinstance(net, Stepping):",
        tests=STEPPING,
    ),
    Mutant(
        name="Nesterov's limit is the heavy ball's",
        file="methods.py",
        old="return _over((2 + 2 * self.momentum) / (1 + 2 * self.momentum), largest_eigenvalue)",
        new="return _over(2 + 2 * self.momentum, largest_eigenvalue)",
        tests=("tests/predict/test_dynamics.py", *TESTS),
        families="training or regime",
    ),
    Mutant(
        name="large steps follow the formula of small ones",
        file="methods.py",
        old="learned = torch.where(rate <= 0.5, gentle, 1 - (1 - rate) ** steps)",
        new="learned = gentle",
        tests=("tests/predict/test_dynamics.py",),
        families="equivalence",
    ),
    Mutant(
        name="the penalty is twice what was asked",
        file="training/descent.py",
        old="parameter.grad += penalty * (",
        new="parameter.grad += 2 * penalty * (",
        tests=TESTS,
        families="regime",
    ),
    Mutant(
        name="weight decay is left out of the steepest direction",
        file="training/descent.py",
        old="largest_eigenvalue(model, inputs) + penalty + weight_decay",
        new="largest_eigenvalue(model, inputs) + penalty",
        tests=TESTS,
    ),
    Mutant(
        name="training stops at the root of the wanted residual",
        file="training/descent.py",
        old="enough = stop_at**2 * each.detach()",
        new="enough = stop_at * each.detach()",
        tests=TESTS,
    ),
    Mutant(
        name="a network that diverges stops its neighbours",
        file="training/descent.py",
        old="not torch.isfinite(each).any()",
        new="not torch.isfinite(each).all()",
        tests=TESTS,
    ),
    Mutant(
        name="squared loss is not halved",
        file="training/losses.py",
        old="((f - y) ** 2).sum(dim=(-2, -1)) / 2",
        new="((f - y) ** 2).sum(dim=(-2, -1))",
        tests=TESTS,
        families="equivalence",
    ),
    Mutant(
        name="cross-entropy is taken to be as curved as squared loss",
        file="training/losses.py",
        old='"cross_entropy": 0.5}',
        new='"cross_entropy": 1.0}',
        tests=TESTS,
    ),
    Mutant(
        name="the kernel's drift is not relative",
        file="training/records.py",
        old="kernel_drift=give(moved / torch.linalg.matrix_norm(self._kernel))",
        new="kernel_drift=give(moved)",
        tests=TESTS,
        families="training.laziness",
    ),
    Mutant(
        name="the first parameters move along with the present ones",
        file="training/records.py",
        old="[parameter.detach().clone() for parameter in model.own.values()]",
        new="[parameter.detach() for parameter in model.own.values()]",
        tests=TESTS,
    ),
    Mutant(
        name="the distance of the parameters is squared",
        file="training/records.py",
        old="give(squares.sqrt())",
        new="give(squares)",
        tests=TESTS,
    ),
    Mutant(
        name="frozen parameters of an ensemble count in its kernels",
        file="training/stacked.py",
        old="zip(self._names, self.stacked, strict=True) if p.requires_grad\n",
        new="zip(self._names, self.stacked, strict=True)\n",
        tests=TESTS,
    ),
    Mutant(
        name="an ensemble's losses are those of its last batch of networks",
        file="training/ensemble.py",
        old="losses=tuple(map(sum, zip(*(run.losses for run in runs), strict=False))),",
        new="losses=runs[-1].losses,",
        tests=TESTS,
    ),
    Mutant(
        name="an ensemble trains the networks that it is given",
        file="training/ensemble.py",
        old="train(copy.deepcopy(net), x, y, x_test, **settings)",
        new="train(net, x, y, x_test, **settings)",
        tests=TESTS,
    ),
    Mutant(
        name="the network's own kernel is taken after training",
        file="gap/chain.py",
        old="""    joint, n = as_numpy(kernel_of(model, first.followed_by(test), first, full=True)[0]), len(first)
    own = Kernels((joint[:n] + joint[:n].transpose(1, 0, 3, 2)) / 2, joint[n:])
    run = train(net, x, y, x_test, steps=steps, learning_rate=learning_rate, output=output)
""",
        new="""    run = train(net, x, y, x_test, steps=steps, learning_rate=learning_rate, output=output)
    joint, n = as_numpy(kernel_of(model, first.followed_by(test), first, full=True)[0]), len(first)
    own = Kernels((joint[:n] + joint[:n].transpose(1, 0, 3, 2)) / 2, joint[n:])
""",
        tests=GAP,
    ),
    Mutant(
        name="the network's own kernel is that of its outputs mixed up",
        file="gap/chain.py",
        old="joint[:n].transpose(1, 0, 3, 2)",
        new="joint[:n].transpose(1, 0, 2, 3)",
        tests=GAP,
    ),
    Mutant(
        name="the flow's time is the number of steps",
        file="gap/chain.py",
        old="flow_from_start(time=steps * learning_rate)",
        new="flow_from_start(time=steps)",
        tests=GAP,
    ),
    Mutant(
        name="the initial function's part goes to the rest",
        file="gap/chain.py",
        old='"initial function": flow(time=math.inf).test',
        new='"initial function": flow_from_start(time=math.inf).test',
        tests=GAP,
    ),
    Mutant(
        name="the ridge is left out of the regression",
        file="gap/chain.py",
        old="kernels.train, y, kernels.cross, ridge).test, False",
        new="kernels.train, y, kernels.cross).test, False",
        tests=GAP,
    ),
    Mutant(
        name="a negative kernel counts as one that cannot be inverted",
        file="gap/chain.py",
        old="if ridge or not may_be_singular or error.smallest_eigenvalue < -error.rounding_bound:",
        new="if not may_be_singular or error.smallest_eigenvalue < -error.rounding_bound:",
        tests=GAP,
    ),
    Mutant(
        name="kinked networks are held to the rate of smooth ones",
        file="gap/__init__.py",
        old="theories = [SMOOTH, KINKED][kinked]",
        new="theories = [KINKED, SMOOTH][kinked]",
        tests=GAP,
    ),
    Mutant(
        name="all replicates are one network",
        file="gap/__init__.py",
        old="explained(n, 1 + index).terms] for index in range(replicates)]",
        new="explained(n, 1).terms] for index in range(replicates)]",
        tests=GAP,
    ),
    Mutant(
        name="the ladder of widths has one rung too few",
        file="gap/scaling.py",
        old="(halvings * rung / (RUNGS - 1))) for rung in range(RUNGS)]",
        new="(halvings * rung / RUNGS)) for rung in range(RUNGS)]",
        tests=GAP,
    ),
    Mutant(
        name="the finite width's part is said to stay at any width",
        file="gap/terms.py",
        old='VANISHING = ("moving kernel", "finite width at start")',
        new='VANISHING = ("moving kernel",)',
        tests=GAP,
    ),
)
