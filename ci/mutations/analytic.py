"""Bugs in the kernels at infinite width."""

from mutations.mutant import Mutant

TESTS = ("tests/test_rates.py", "tests/test_analytic.py")

MUTANTS = (
    Mutant(
        name="the first layer's deviations serve all layers",
        file="analytic/recursion.py",
        old="""    for part in layer.layers:
        kernel = propagate(part, kernel)
""",
        new="""    first = next((part for part in layer.layers if isinstance(part, Linear)), None)
    for part in layer.layers:
        kernel = propagate(first if first and isinstance(part, Linear) else part, kernel)
""",
        tests=TESTS,
        families="kernel",
    ),
    Mutant(
        name="the dual of the first activation serves all layers",
        file="analytic/recursion.py",
        old="""    for part in layer.layers:
        kernel = propagate(part, kernel)
""",
        new="""    first = next((part for part in layer.layers if isinstance(part, Activation)), None)
    for part in layer.layers:
        kernel = propagate(first if first and isinstance(part, Activation) else part, kernel)
""",
        tests=TESTS,
        families="kernel",
    ),
    Mutant(
        name="weight variance is left out of the derivative's term",
        file="analytic/recursion.py",
        old="ntk=own + weight_variance * kernel.ntk)",
        new="ntk=own + kernel.ntk)",
        tests=TESTS,
        families="kernel",
    ),
    Mutant(
        name="biases move as they are spread whatever their rate",
        file="analytic/recursion.py",
        old="own = weight_rate * kernel.moments.covariance + bias_rate",
        new="own = weight_rate * kernel.moments.covariance + bias_variance",
        tests=TESTS,
        families="kernel",
    ),
    Mutant(
        name="rates count only where both are given",
        file="analytic/recursion.py",
        old="if layer.weight_rate is not None or layer.bias_rate is not None:",
        new="if layer.weight_rate is not None and layer.bias_rate is not None:",
        tests=TESTS,
        families="kernel",
    ),
    Mutant(
        name="a shared bias is added to 1 + cosine once",
        file="analytic/recursion.py",
        old="one_plus_cosine=(2 * v + spread + above) / after",
        new="one_plus_cosine=(v + spread + above) / after",
        tests=TESTS,
        families="kernel",
    ),
    Mutant(
        name="the bias variance is missing in the spread's divisor",
        file="analytic/recursion.py",
        old="/ (after + before + v)",
        new="/ (after + before)",
        tests=TESTS,
        families="kernel",
    ),
    Mutant(
        name="a diagonal metric is applied to both factors in full",
        file="analytic/recursion.py",
        old="x * rows[0].sqrt()",
        new="x * rows[0]",
        tests=TESTS,
        families="kernel",
    ),
    Mutant(
        name="a full metric is taken with its other Cholesky factor",
        file="analytic/recursion.py",
        old="root = torch.linalg.cholesky(rows)",
        new="root = torch.linalg.cholesky(rows).T",
        tests=TESTS,
        families="kernel",
    ),
    Mutant(
        name="zero shares the direction of the first axis",
        file="analytic/recursion.py",
        old="return norm, torch.cat([torch.where(nonzero, x / divisor, 0), (~nonzero).to(x.dtype)], dim=1)",
        new="return norm, torch.where(nonzero, x / divisor, torch.eye(1, x.shape[1], dtype=x.dtype))",
        tests=("tests/test_rates.py",),
        families="kernel",
    ),
    Mutant(
        name="a full metric rounds an input by its place in the batch",
        file="analytic/recursion.py",
        old="torch.cat([_row_by_row(some, root) for some in x.split(ROWS)])",
        new="x @ root",
        tests=("tests/test_rates.py",),
        families="kernel",
    ),
    Mutant(
        name="the second set has the first set's variances where they are as many",
        file="analytic/recursion.py",
        old="variance2=norm2**2 / dimension,",
        new="variance2=(norm1 if len(norm1) == len(norm2) else norm2) ** 2 / dimension,",
        tests=TESTS,
        families="kernel",
    ),
    Mutant(
        name="blocks below the diagonal are not transposed",
        file="analytic/tiles.py",
        old="out[columns, rows] = tile.T",
        new="out[columns, rows] = tile if tile.shape[0] == tile.shape[1] else tile.T",
        tests=TESTS,
        families="kernel",
    ),
    Mutant(
        name="the diagonal of a symmetric tile counts twice",
        file="analytic/tiles.py",
        old="tile.triu() + tile.triu(1).T",
        new="tile.triu() + tile.triu().T",
        tests=TESTS,
        families="kernel",
    ),
    Mutant(
        name="cosines near 1 come from products alone",
        file="analytic/tiles.py",
        old="near = deficit < NEAR",
        new="near = deficit < 0",
        tests=TESTS,
        families="kernel",
    ),
    Mutant(
        name="antiparallel pairs are taken for parallel ones where they are near",
        file="analytic/tiles.py",
        old="((unit1[a] - sign * unit2[b]) ** 2)",
        new="((unit1[a] - unit2[b]) ** 2)",
        tests=TESTS,
        families="kernel",
    ),
    Mutant(
        name="degrees of homogeneous activations are added up",
        file="analytic/angular.py",
        old="return math.prod(activation.homogeneous or 0 for",
        new="return sum(activation.homogeneous or 0 for",
        tests=TESTS,
        families="kernel",
    ),
    Mutant(
        name="biases that start at zero do not break homogeneity",
        file="analytic/angular.py",
        old="if any(linear.bias_std or linear.rates[1] for linear in arch.linears):",
        new="if any(linear.bias_std for linear in arch.linears):",
        tests=TESTS,
        families="kernel",
    ),
    Mutant(
        name="a series of half the digits is good enough",
        file="analytic/angular.py",
        old="AGREEMENT = 64.0",
        new="AGREEMENT = 1e8",
        tests=TESTS,
        families="kernel",
    ),
    Mutant(
        name="the series serves angles near pi too",
        file="analytic/angular.py",
        old="outside = (angle < FROM) | (angle > TO)",
        new="outside = angle < FROM",
        tests=TESTS,
        families="kernel",
    ),
    Mutant(
        name="gradients of the last tile take the place of a sum",
        file="analytic/gradients.py",
        old="total[at] += one",
        new="total[at] = one",
        tests=TESTS,
    ),
    Mutant(
        name="a graph is taken for a tenth of its size",
        file="analytic/gradients.py",
        old="return OVERHEAD * sum(sizes.values()) / (len(rows1) * len(rows2))",
        new="return OVERHEAD * sum(sizes.values()) / (10 * len(rows1) * len(rows2))",
        tests=TESTS,
    ),
    Mutant(
        name="rates are lost where deviations are given as tensors",
        file="analytic/deviations.py",
        old="_TensorLinear(**row, weight_rate=linear.weight_rate, bias_rate=linear.bias_rate)",
        new="_TensorLinear(**row)",
        tests=(*TESTS, "tests/test_sklearn.py", "tests/test_gpytorch.py"),
    ),
    Mutant(
        name="a kernel counts as finite where its largest entry or its smallest is",
        file="analytic/overflow.py",
        old="if all(\n        torch.isfinite(end)",
        new="if any(\n        torch.isfinite(end)",
        tests=TESTS,
    ),
    Mutant(
        name="the diagonal between two sets is that of the first",
        file="analytic/__init__.py",
        old="for rows in (first, first if second is None else second)]",
        new="for rows in (first, first)]",
        tests=TESTS,
    ),
    Mutant(
        name="memory may be exceeded where the kernel is small",
        file="analytic/__init__.py",
        old="<= FEW_PAIRS and memory >= MEMORY:",
        new="<= FEW_PAIRS:",
        tests=TESTS,
    ),
)
