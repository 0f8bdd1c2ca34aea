# SPDX-License-Identifier: BSD-3-Clause
"""The fast forms of a plastic layer against the equations of docs/concepts.md step by step, in values and gradients."""

import functools
import gc

import pytest
import torch

from synergic.errors import ParameterError, UnsupportedError
from synergic.learning import HybridLinear, HybridNet, to_description
from synergic.learning import _buffers as buffers
from synergic.learning._episodes import answers, presented
from synergic.learning._layers import FORMS
from synergic.learning._products import times
from synergic.learning._scan import Local, Neuron, scan

STEPS, N_IN, N_OUT = 6, 12, 9
K = torch.exp(-torch.arange(1, STEPS + 1, dtype=torch.float64) / 8)
SETTINGS = [
    {},
    {"reset": "zero", "sign": -1, "rho": "identity", "p_max": 1e6},
    {"rho": "softmax"},
    {"reset": "zero", "alpha_shape": "scalar"},
    {"sign": -1, "lambda_": 0.6, "decay": 0.8},
]
CONSTANT, CHANGING = "constant", "changing"
KINDS = pytest.mark.parametrize("kind", [CONSTANT, CHANGING])


def make_layer(seed=0, stored=0.3, **settings):
    torch.manual_seed(seed)
    layer = HybridLinear(N_IN, N_OUT, **settings).double()
    with torch.no_grad():
        layer.weight.mul_(3)
        layer.local_weights.uniform_(-stored, stored)
        layer.alpha.uniform_(-0.5, 0.5)
        layer.eta.uniform_(-0.1, 0.3)
        layer.beta.uniform_(-0.3, 0.3)
    return layer


def make_input(kind, samples=7, real=True, seed=1):
    generator = torch.Generator().manual_seed(seed)
    shape = (samples, N_IN) if kind == CONSTANT else (samples, STEPS, N_IN)
    x = torch.rand(shape, generator=generator, dtype=torch.float64)
    return x * 1.5 - 0.3 if real else (x < 0.4).double()


class Window(torch.autograd.Function):
    """H with the surrogate of the paper, a = 0.5."""

    @staticmethod
    def forward(ctx, over):
        ctx.save_for_backward(over)
        return (over > 0).to(over.dtype)

    @staticmethod
    def backward(ctx, g):
        return g * (ctx.saved_tensors[0].abs() < 0.5)


def by_the_paper(layer, s, k, p=None, shared=False):
    """Sample after sample and step by step, P and its outer products in full. Returns s, u and P of each sample."""
    s = s[:, None].expand(-1, len(k), -1) if s.ndim == 2 else s
    rho = {"tanh": torch.tanh, "identity": lambda x: x, "softmax": lambda x: x.exp() / x.exp().sum()}[layer.rho]
    p = [layer.local_weights if p is None else p] * len(s)
    u, fired = [torch.zeros(N_OUT, dtype=s.dtype)] * len(s), [torch.zeros(N_OUT, dtype=s.dtype)] * len(s)
    potentials, spikes = [], []
    for m in range(len(k)):
        outer = []
        for b in range(len(s)):
            alpha = layer.alpha if layer.alpha.ndim == 2 else layer.alpha.reshape(-1, 1)
            weights = layer.weight * k[m] + (alpha * p[b] if layer.plastic else 0)
            rest = u[b] - layer.vth * fired[b] if layer.reset == "subtract" else u[b] * (1 - fired[b])
            u[b] = layer.decay * rest + weights @ s[b, m] + layer.bias
            fired[b] = Window.apply(u[b] - layer.vth)
            outer.append(torch.outer(rho(u[b] / layer.vth) + layer.beta, layer.sign * layer.eta * s[b, m]))
        if layer.plasticity_scope != "frozen":
            if shared:
                outer = [torch.stack(outer).mean(0)] * len(s)
            p = [(layer.lambda_ * a + o).clamp(-layer.p_max, layer.p_max) for a, o in zip(p, outer, strict=True)]
        potentials.append(torch.stack(u))
        spikes.append(torch.stack(fired))
    return torch.stack(spikes, 1), torch.stack(potentials, 1), torch.stack(p)


def differences(layer, run, x):
    """Values of a run, and the gradients of all parameters and of the input, of a loss on spikes and potentials."""
    layer.zero_grad()
    x = x.clone().requires_grad_()
    s, u = run(x)[:2]
    weight = torch.linspace(-1, 1, s.numel(), dtype=s.dtype).view_as(s)
    ((s + u.square()) * weight).sum().backward()
    grads = [p.grad if p.grad is None else p.grad.clone() for p in layer.parameters() if p.requires_grad]
    return [s.detach(), u.detach(), x.grad, *(torch.zeros(1) if g is None else g for g in grads)]


def close(a, b, tolerance):
    assert len(a) == len(b)
    assert a[0].sum() > 0  # something fires
    assert b[2].abs().max() > 0
    for x, y in zip(a, b, strict=True):
        assert torch.allclose(x.expand_as(y), y, rtol=tolerance, atol=tolerance)


@KINDS
@pytest.mark.one_in(3)
@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("stored", [0.0, 0.3])
def test_all_forms_equal_the_paper_in_values_and_gradients(kind, settings, stored):
    layer, x = make_layer(stored=stored, **settings), make_input(kind)
    wanted = differences(layer, lambda y: by_the_paper(layer, y, K), x)
    for form in FORMS:
        close(differences(layer, lambda y, form=form: layer(y, K, form), x), wanted, 1e-10)


@KINDS
@pytest.mark.parametrize("reset", ["subtract", "zero"])
@pytest.mark.parametrize("settings", [{"plastic": False}, {"plasticity_scope": "frozen"}])
def test_a_layer_without_a_trace_equals_the_paper(kind, reset, settings):
    layer, x = make_layer(reset=reset, **settings), make_input(kind)
    wanted = differences(layer, lambda y: by_the_paper(layer, y, K), x)
    for form in ("fused", "gram", None):
        close(differences(layer, lambda y, form=form: layer(y, K, form), x), wanted, 1e-10)


@pytest.mark.parametrize("plasticity_scope", ["per_sample", "frozen"])
@KINDS
def test_alpha_a_synapse_equals_the_paper(plasticity_scope, kind):
    layer, x = make_layer(plasticity_scope=plasticity_scope, alpha_shape="synapse"), make_input(kind)
    assert layer.alpha.shape == (N_OUT, N_IN)
    wanted = differences(layer, lambda y: by_the_paper(layer, y, K), x)
    close(differences(layer, lambda y: layer(y, K), x), wanted, 1e-10)


def test_float32_agrees_within_its_rounding():
    layer, x = make_layer(), make_input(CHANGING, samples=3)
    wanted = differences(layer, lambda y: by_the_paper(layer, y, K), x)
    layer = layer.float()
    got = differences(layer, lambda y: layer(y, K.float(), "fused"), x.float())
    assert all(g.dtype == torch.float32 for g in got)
    close([g.double() for g in got], wanted, 2e-4)


def test_tanh_of_the_kernel_is_exact_to_float32_everywhere():
    # u of the first step is the current, and the second, with nothing else, shows rho(u / v_th).
    u = torch.cat([torch.linspace(-30, 30, 4001), torch.tensor([-1e30, 1e30, 1e-30])])
    overlap = torch.tensor([[0.0, 0.0], [1.0, 0.0]]).expand(len(u), 2, 2)
    local = Local(None, torch.ones(2), overlap, torch.ones(1), torch.zeros(1))
    slow = torch.stack([u, torch.zeros_like(u)], 1)[:, :, None]
    _, potentials = scan(slow, torch.ones(2), torch.zeros(1), local, Neuron(1.0, 0.0, "zero", "tanh"))
    assert (potentials[:, 1, 0].double() - u.double().tanh()).abs().max() < 4e-7


@pytest.mark.parametrize("plasticity_scope", ["per_sample", "shared"])
@KINDS
def test_the_number_of_threads_changes_nothing(plasticity_scope, kind):
    results, before = [], torch.get_num_threads()
    for threads in (1, 3, before):
        torch.set_num_threads(threads)
        layer = make_layer(plasticity_scope=plasticity_scope)
        results.append(differences(layer, functools.partial(layer, k=K, form="fused"), make_input(kind, 10)))
    close(*results[:2], 1e-12)


def test_a_constant_input_may_be_given_as_one_vector_or_as_a_view():
    layer, x = make_layer(), make_input(CONSTANT)
    once = layer(x, K)
    for again in (x[:, None].expand(-1, STEPS, -1), x[:, None].repeat(1, STEPS, 1)):
        for a, b in zip(once, layer(again, K), strict=True):
            assert (a - b).abs().max() < 1e-12
    net = HybridNet((N_IN, N_OUT, 4), steps=STEPS).double()
    assert (net(x)[1] - net(x[:, None].repeat(1, STEPS, 1))[1]).abs().max() < 1e-12
    # Every step of a view has a gradient of its own.
    view = x[:, None].expand(-1, STEPS, -1).requires_grad_()
    layer(view, K)[1][:, -1].sum().backward()
    assert (view.grad.abs().amax((0, 2)) > 0).all()


def test_input_of_another_shape_is_refused():
    net = HybridNet((N_IN, 4), steps=STEPS)
    for shape in ((3, N_IN + 1), (3, STEPS + 1, N_IN), (N_IN,)):
        with pytest.raises(ParameterError, match="Axes"):
            net(torch.zeros(shape))
    for shape in ((2, STEPS - 1, N_IN), (2, STEPS + 1, N_IN), (2, N_IN + 1), (N_IN,)):
        with pytest.raises(ParameterError, match="n_in"):
            net.layers[0](torch.zeros(shape), torch.ones(STEPS))
    with pytest.raises(ParameterError, match="scan"):
        scan(torch.zeros(2, 3, 4), torch.ones(2), torch.zeros(4), None, net.layers[0].neuron)
    with pytest.raises(ParameterError, match="form"):
        net.layers[0](torch.zeros(2, N_IN), torch.ones(STEPS), "fast")


@pytest.mark.parametrize("settings", [{}, {"rho": "identity"}])
@KINDS
def test_the_exact_path_is_taken_where_an_entry_reaches_its_bound(settings, kind):
    # Half of the samples are quiet: theirs stay in the fast form, in the same batch.
    layer, x = make_layer(p_max=0.45, **settings), make_input(kind)
    x[::2] *= 0.01
    wanted = differences(layer, lambda y: by_the_paper(layer, y, K), x)
    fast = differences(layer, lambda y: layer(y, K, "fused"), x)
    assert (fast[1] - wanted[1]).abs().max() > 1e-3  # it matters here
    risky = layer.clipped(x[:, None] if kind == CONSTANT else x, fast[1])
    assert 0 < int(risky.sum()) < risky.numel()
    assert not bool(risky[::2].any())
    close(differences(layer, lambda y: layer(y, K), x), wanted, 1e-10)


@pytest.mark.parametrize(("samples", "neurons", "taken"), [(1, 1, "run_rows"), (7, N_OUT, "run_matrix")])
@KINDS
def test_only_the_neurons_in_question_pay_for_the_exact_path(kind, samples, neurons, taken, monkeypatch):
    layer, x, called = make_layer(p_max=0.45), make_input(kind), []
    x[samples:] *= 0.01
    with torch.no_grad():
        layer.bias.fill_(0.3)  # so that something fires
        # The other neurons get next to nothing, and P follows rho + beta.
        layer.bias[neurons:], layer.weight[neurons:], layer.beta[neurons:], layer.alpha[neurons:] = 0, 0, 0, 1e-3
    for name in ("run_rows", "run_matrix"):
        whole = getattr(layer, name)
        monkeypatch.setattr(layer, name, lambda *a, f=whole, name=name: called.append(name) or f(*a))
    wanted = differences(layer, lambda y: by_the_paper(layer, y, K), x)
    close(differences(layer, lambda y: layer(y, K), x), wanted, 1e-10)
    assert set(called) == {taken}


@pytest.mark.parametrize("settings", [*SETTINGS, {"p_max": 0.45}, {"plasticity_scope": "frozen"}, {"plastic": False}])
@pytest.mark.parametrize("stored", [0.0, 0.3])
def test_answers_after_one_course_equal_those_of_whole_presentations(settings, stored):
    layer, x, asked = make_layer(stored=stored, **settings), make_input(CHANGING), make_input(CHANGING, seed=5)[:, :4]

    def by_answers(x):
        u = answers(layer, x[:, :-1], asked, K)
        return (u > layer.vth).double(), u

    def by_the_layer(x):
        s, u, _ = by_the_paper(layer, presented(x[:, :-1], asked), K)
        return tuple(part[:, -1].view(len(x), 4, N_OUT) for part in (s.detach(), u))

    close(differences(layer, by_answers, x), differences(layer, by_the_layer, x), 1e-10)
    # asked and k have gradients and refusals of their own
    (g,) = torch.autograd.grad(answers(layer, x[:, :-1], asked.requires_grad_(), K).square().sum(), asked)
    assert g.abs().amax(2).min() > 0
    with pytest.raises(ParameterError, match=r"answers\.k"):
        answers(layer, x, asked, K)
    with pytest.raises(ParameterError, match=r"answers\.seen"):
        answers(layer, x[:-1, :-1], asked, K)


def test_no_clip_is_missed_and_large_inputs_are_counted():
    layer = make_layer(p_max=4.0)
    assert not layer.may_clip(STEPS)
    assert layer.may_clip(STEPS, largest=20.0)
    layer.eta.data[0] = float("nan")
    assert layer.may_clip(STEPS)
    x = make_input(CONSTANT) * 20
    layer = make_layer(p_max=4.0)
    assert (layer(x, K)[1] - by_the_paper(layer, x, K)[1]).abs().max() < 1e-10
    assert (layer(x, K, "fused")[1] - by_the_paper(layer, x, K)[1]).abs().max() > 1e-3


@KINDS
@pytest.mark.parametrize(
    "settings", [*SETTINGS, {"p_max": 0.35}, {"rho": "identity", "p_max": 0.35}, {"alpha_shape": "synapse"}]
)
def test_shared_trace_equals_outer_products_averaged_over_the_batch(kind, settings):
    for form in (None, *FORMS):
        if form in ("fused", "gram") and settings.get("p_max") == 0.35 and kind == CONSTANT:
            continue  # asked for by name these are without a bound
        layer = make_layer(plasticity_scope="shared", **settings)
        p = layer.local_weights.clone()
        for batch in range(3):  # P stays from batch to batch, in evaluation too
            x = make_input(kind, samples=5 + batch, seed=batch)
            plain = functools.partial(by_the_paper, layer, k=K, p=p, shared=True)
            wanted = differences(layer, plain, x)
            p_after = plain(x)[2][0].detach()
            with torch.no_grad():
                _, quiet = layer(x, K, form)
            layer.local_weights = p
            assert (quiet - wanted[1]).abs().max() < 1e-10
            close(differences(layer, functools.partial(layer, k=K, form=form), x), wanted, 1e-10)
            assert not layer.local_weights.requires_grad
            assert (layer.local_weights - p_after).abs().max() < 1e-12
            p = layer.eval().local_weights.clone()
    assert "local_weights" in dict(layer.named_buffers())


def test_shared_p_depends_on_the_batch_and_is_exported_as_a_stream_only():
    net = HybridNet((N_IN, N_OUT, 4), steps=STEPS, plasticity_scope="shared").double()
    for layer in net.layers:
        layer.alpha.data.fill_(2.0), layer.eta.data.fill_(0.5)
    p, x = [layer.local_weights for layer in net.layers], make_input(CONSTANT)
    together = net(x)[1]
    for layer, stored in zip(net.layers, p, strict=True):
        layer.local_weights = stored
    assert (net(x[:1])[1] - together[:1]).abs().max() > 1e-6
    with pytest.raises(UnsupportedError, match=r"allowed 'per_sample' or 'frozen'.*memory=1000"):
        to_description(net)
    described = to_description(net, memory=7)
    for q, layer in zip(described.projections, net.layers, strict=True):
        assert (q.plasticity_scope, q.memory) == ("stream", 7)
        assert torch.equal(torch.tensor(q.local_weights), layer.local_weights)


@pytest.mark.parametrize("rho", ["tanh", "identity", "softmax"])
@KINDS
def test_a_prediction_is_independent_of_its_batch(rho, kind):
    torch.manual_seed(0)
    net = HybridNet((N_IN, N_OUT, 4), steps=STEPS, rho=rho, p_max=0.6).double()
    for layer in net.layers:
        layer.weight.data.mul_(3), layer.alpha.data.uniform_(-1, 1), layer.eta.data.uniform_(0, 0.3)
    x = make_input(kind, samples=30)
    with torch.no_grad():
        u = net(x)[1]
        for order in (torch.randperm(30), u[:, -1].argmax(1).argsort()):
            assert (net(x[order])[1] - u[order]).abs().max() < 1e-12
        for size in (1, 7):
            assert (torch.cat([net(part)[1] for part in x.split(size)]) - u).abs().max() < 1e-12


@KINDS
@pytest.mark.parametrize("settings", [{}, {"plastic": False}, {"plasticity_scope": "frozen"}])
def test_gradients_of_gradients_equal_those_of_the_plain_form(kind, settings):
    found = []
    for form in ("gram", "fused"):
        layer, x = make_layer(vth=50.0, **settings), make_input(kind)
        s, u = layer(x, K, form)
        ahead = torch.autograd.grad((u + s).pow(3).sum() / 50, [layer.weight, layer.bias], create_graph=True)
        second = sum(g.square().sum() for g in ahead)
        found.append(torch.autograd.grad(second, [p for p in layer.parameters() if p.requires_grad], allow_unused=True))
        assert found[-1][0].abs().max() > 0
    for a, b in zip(*found, strict=True):
        assert (a is None) == (b is None)
        assert a is None or torch.allclose(a, b, rtol=1e-10, atol=1e-10)


def test_memory_is_used_again_only_when_nothing_holds_it():
    buffers.release()
    a = buffers.empty((100, 300), torch.float32).fill_(1.0)
    part, numbers = a[3], a.numpy()
    del a
    gc.collect()
    other = buffers.empty((100, 300), torch.float32).fill_(2.0)
    assert (float(part.sum()), float(numbers.sum()), float(other.sum())) == (300, 30_000, 60_000)
    place = part.data_ptr() - 3 * 300 * 4
    del part, numbers
    gc.collect()
    assert buffers.empty((100, 300), torch.float32).data_ptr() == place


def test_a_smaller_tensor_takes_larger_memory_that_stands_idle():
    buffers.release()
    a = buffers.empty((100, 300), torch.float32)
    place = a.data_ptr()
    del a
    gc.collect()
    assert buffers.empty((70, 200), torch.float32).data_ptr() != place  # less than half: too good for that
    b = buffers.empty((90, 250), torch.float32).fill_(1.0)
    assert (b.data_ptr(), b.shape) == (place, (90, 250))
    del b
    gc.collect()
    assert buffers.empty((100, 300), torch.float32).data_ptr() == place  # whole again


LAYOUTS = {
    "plain": lambda x: x,
    "transposed": lambda x: x.T.contiguous().T,
    "every other": lambda x: x.repeat_interleave(2, 1)[:, ::2],
    "part of a larger": lambda x: torch.stack([x, x], 1)[:, 1],
}


@pytest.mark.parametrize("left", LAYOUTS)
@pytest.mark.parametrize("right", LAYOUTS)
@pytest.mark.parametrize("size", [(1, 1, 1), (7, 30, 5), (100, 64, 10), (3, 0, 2)])
def test_products_equal_those_of_numpy_in_any_layout(size, left, right):
    m, n, k = size
    a, b, plus = (torch.randn(shape, generator=torch.Generator().manual_seed(m)) for shape in ((m, n), (k, n), (m, k)))
    want = a.double().numpy() @ b.double().numpy().T
    a, b = LAYOUTS[left](a), LAYOUTS[right](b)
    with torch.no_grad():
        for more in (None, plus):
            got = times(a, b, more)
            assert got.dtype == torch.float32
            assert abs(got.numpy() - want - (0 if more is None else more.numpy())).max() < 2e-5


@pytest.mark.parametrize("plasticity_scope", ["per_sample", "shared", "frozen"])
@KINDS
def test_the_precision_that_trains_agrees_with_float64(plasticity_scope, kind):
    layer, x = make_layer(plasticity_scope=plasticity_scope), make_input(kind)
    single = make_layer(plasticity_scope=plasticity_scope).float()
    single_precision = differences(single, functools.partial(single, k=K.float()), x.float())
    wanted = differences(layer, functools.partial(layer, k=K), x)
    close(*([g.double() for g in found] for found in (single_precision, wanted)), 2e-4)
    assert (single.local_weights - layer.local_weights).abs().max() < 1e-5
