# SPDX-License-Identifier: BSD-3-Clause
"""`train` and `evaluate` on one's own data: tensors, Dataset, DataLoader; validation, checkpoints, values, refusals."""

import io
import sys

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

import synergic as sy
from synergic import experiments
from synergic.errors import FormatError, ParameterError, UnsupportedError
from synergic.learning import ConvHybridNet, HybridNet, RuleLinear, _train_loop, evaluate, tasks, to_description, train

STEPS, CHANNELS, CLASSES, SAMPLES = 4, 12, 3, 30
LABELS = torch.arange(SAMPLES) % CLASSES
SPIKES = (torch.rand(SAMPLES, STEPS, CHANNELS, generator=torch.Generator().manual_seed(0)) < 0.3).float()
SPIKES[torch.arange(SAMPLES), :, LABELS] = 1.0  # what tells the classes apart
VALUES = SPIKES.mean(1) * 0.9


def make(seed=0, **settings):
    torch.manual_seed(seed)
    return HybridNet((CHANNELS, 8, CLASSES), steps=STEPS, **settings)


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


def test_tensors_a_data_set_and_a_loader_train_the_same_net():
    nets = [make(), make(), make()]
    pairs = TensorDataset(SPIKES, LABELS)
    loader = DataLoader(pairs, 10)
    first = train(nets[0], SPIKES, LABELS, epochs=3, batch=SAMPLES)  # one batch: no order
    second = train(nets[1], pairs, epochs=3, batch=SAMPLES)
    assert first == pytest.approx(second, rel=1e-5)
    losses = train(nets[2], loader, epochs=3)
    assert len(losses) == 3
    assert losses[-1] < losses[0]
    given = [evaluate(nets[0], *data) for data in ((SPIKES, LABELS), (pairs,), (loader,))]
    assert given[0] == given[1] == given[2]
    # By hand: the share whose class has the highest u(T).
    with torch.no_grad():
        want = (nets[0](SPIKES)[1][:, -1].argmax(1) == LABELS).double().mean()
    assert given[0] == float(want)


class Images(Dataset):
    """Pixels (1, 3, 4) and classes as plain integers, as torchvision's data sets with ToTensor give them."""

    def __len__(self):
        return SAMPLES

    def __getitem__(self, i):
        return VALUES[i].reshape(1, 3, 4), int(LABELS[i])


class Endless(IterableDataset):
    """Pairs one after another, without a length."""

    def __iter__(self):
        return iter([(SPIKES[i], int(LABELS[i])) for i in range(SAMPLES)])


def test_images_frames_and_streams_of_pairs_are_taken():
    by_rows, by_images = make(), make()
    train(by_rows, VALUES, LABELS, epochs=2, batch=SAMPLES)
    train(by_images, Images(), epochs=2, batch=SAMPLES)
    assert evaluate(by_rows, VALUES, LABELS) == evaluate(by_images, Images())
    frames = TensorDataset(SPIKES.reshape(SAMPLES, STEPS, 3, 4).to(torch.uint8), LABELS)
    assert evaluate(by_rows, frames) == evaluate(by_rows, SPIKES, LABELS)
    assert len(train(make(), Endless(), epochs=1, batch=7)) == 1
    torch.manual_seed(0)
    conv = ConvHybridNet((1, 3, 4), (2,), (CLASSES,), (1,), steps=STEPS)
    assert len(train(conv, Images(), epochs=1)) == 1
    assert to_description(conv).source.num_message_bits == 8


def test_a_validation_part_is_measured_after_each_epoch_and_not_trained_on():
    net, seen = make(), []
    history = train(
        net, SPIKES, LABELS, epochs=3, validation=0.2, progress=lambda epoch, *told: seen.append((epoch, *told))
    )
    assert len(history.accuracies) == 3
    assert seen == [(i, history[i], history.accuracies[i]) for i in range(3)]
    # The same split by hand, given as tensors.
    rows = torch.randperm(SAMPLES, generator=torch.Generator().manual_seed(0))
    rest, aside = rows[6:], rows[:6]
    other = make()
    again = train(other, SPIKES[rest], LABELS[rest], epochs=3, validation=(SPIKES[aside], LABELS[aside]))
    assert again == history
    assert again.accuracies == history.accuracies
    assert history.accuracies[-1] == evaluate(net, SPIKES[aside], LABELS[aside])
    assert same(net, other)
    by_set = train(make(), TensorDataset(SPIKES, LABELS), epochs=1, validation=0.2)
    assert by_set.accuracies == pytest.approx([history.accuracies[0]], abs=0.5)


def test_the_read_out_of_rates_has_its_own_loss_and_classes():
    rank, rate = make(), make()
    train(rank, SPIKES, LABELS, epochs=15, lr=1e-2)
    train(rate, SPIKES, LABELS, epochs=15, lr=1e-2, readout="rate", batch=10)
    assert not same(rank, rate)
    with torch.no_grad():
        counts = rate(SPIKES)[0].sum(1)
    clear = counts.sort(1).values.diff(dim=1)[:, -1] > 0  # one class alone has the most spikes
    right = evaluate(rate, SPIKES[clear], LABELS[clear], readout="rate")
    assert right == float((counts[clear].argmax(1) == LABELS[clear]).double().mean())
    assert evaluate(rate, SPIKES, LABELS, readout="rate") > 0.5


class Noisy(Dataset):
    """Samples that are drawn with numpy's and torch's global numbers, as augmentations do."""

    def __len__(self):
        return SAMPLES

    def __getitem__(self, i):
        keep = torch.rand(CHANNELS) * float(np.random.rand())  # noqa: NPY002
        return VALUES[i] * keep, int(LABELS[i])


@pytest.mark.parametrize("kind", ["tensors", "data set", "loader"])
def test_an_interrupted_training_ends_with_the_same_bits(kind, tmp_path):
    class Killed(Exception):
        pass

    def data():
        if kind == "tensors":
            return SPIKES, LABELS
        return (Noisy(),) if kind == "data set" else (DataLoader(Noisy(), 10, shuffle=True),)

    def run(path, progress=None):
        torch.manual_seed(1)
        np.random.seed(1)  # noqa: NPY002
        net = HybridNet((CHANNELS, 8, CLASSES), steps=STEPS, dropout=0.3)
        return net, train(
            net, *data(), epochs=4, batch=10, checkpoint=path, progress=progress, validation=(VALUES, LABELS)
        )

    def kill(epoch, *_):
        if epoch == 1:
            raise Killed

    whole, wanted = run(tmp_path / "whole.pt")
    with pytest.raises(Killed):
        run(tmp_path / "cut.pt", kill)
    net, history = run(tmp_path / "cut.pt")
    assert history == wanted
    assert history.accuracies == wanted.accuracies
    assert same(net, whole)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["cut.pt", "whole.pt"]  # no drafts


def test_a_checkpoint_goes_on_with_more_epochs_and_is_refused_with_other_settings(tmp_path):
    path = tmp_path / "net"  # no suffix
    net = make()
    first = train(net, VALUES, LABELS, epochs=2, checkpoint=path)
    again = make(seed=5)
    longer = train(again, VALUES, LABELS, epochs=4, checkpoint=path)
    assert longer[:2] == first
    assert len(longer) == 4
    loaded = make(seed=6)
    assert train(loaded, VALUES, LABELS, epochs=4, checkpoint=path) == longer  # nothing is left to do
    assert same(loaded, again)
    assert to_description(loaded).source.num_message_bits == 8
    with pytest.raises(ParameterError, match=r"lr 0.002 there, 0.01 given.*the same, or more epochs"):
        train(make(), VALUES, LABELS, epochs=5, lr=0.01, checkpoint=path)
    with pytest.raises(ParameterError, match=r"epochs: got 3, allowed 4 or more"):
        train(make(), VALUES, LABELS, epochs=3, checkpoint=path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(FormatError, match="damaged"):
        train(make(), VALUES, LABELS, epochs=4, checkpoint=path)


def test_a_net_is_described_with_the_input_that_it_was_trained_on():
    net = make()
    train(net, VALUES, LABELS, epochs=2)
    network = to_description(net)
    assert network.source.num_message_bits == 8
    inputs = VALUES[:, None].repeat(1, STEPS, 1)
    record = sy.simulate(network, inputs.numpy().astype(float))
    with torch.no_grad():
        assert np.array_equal(record.spikes["output"], net(inputs)[0].numpy())
    spiking = make()
    train(spiking, SPIKES, LABELS, epochs=1)
    assert to_description(spiking).source.num_message_bits == 0
    assert to_description(spiking, num_message_bits=8).source.num_message_bits == 8
    normalised = make()
    train(normalised, (VALUES - 0.5) / 0.2, LABELS, epochs=1)
    with pytest.raises(UnsupportedError, match=r"values from -2.5 to .*no Normalize"):
        to_description(normalised)


def test_a_rule_of_ones_own_is_trained_by_one_thread_where_more_would_wait_for_each_other(monkeypatch):
    seen = set()

    class Watched(RuleLinear):
        def forward(self, *given, **more):
            seen.add(torch.get_num_threads())
            return super().forward(*given, **more)

    torch.manual_seed(0)
    net = HybridNet((CHANNELS, 8, CLASSES), steps=STEPS, layer=Watched, rule=sy.Oja(0.01))
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        train(net, SPIKES, LABELS, epochs=1)
        assert (seen, torch.get_num_threads()) == ({1}, 2)
        with pytest.raises(ParameterError):
            train(net, SPIKES, LABELS + 9, epochs=1)
        monkeypatch.setattr(_train_loop, "SMALL", 10)
        seen.clear()
        train(net, SPIKES, LABELS, epochs=1)
        assert (seen, torch.get_num_threads()) == ({2}, 2)
    finally:
        torch.set_num_threads(before)


def test_progress_is_a_bar_if_it_is_asked_for(monkeypatch):
    said = io.StringIO()
    monkeypatch.setattr(sys, "stderr", said)
    train(make(), SPIKES, LABELS, epochs=2, progress=True, validation=0.2)
    assert "2/2" in said.getvalue()
    assert "accuracy=" in said.getvalue()


def test_what_does_not_fit_is_refused_at_the_door():
    bad = VALUES.clone()
    bad[7, 3] = float("nan")
    for call in (train, evaluate):
        with pytest.raises(ParameterError, match="NaN or infinite in sample 7"):
            call(make(), bad, LABELS)
        with pytest.raises(ParameterError, match=r"batch 0: samples: got NaN or infinite in sample"):
            call(make(), TensorDataset(bad[7:8], LABELS[7:8]))
        with pytest.raises(ParameterError, match=r"labels: got Tensor, allowed none beside a Dataset"):
            call(make(), TensorDataset(VALUES, LABELS), LABELS)
        with pytest.raises(ParameterError, match=r"Divide pixels by 255"):
            call(make(), TensorDataset((255 * VALUES).to(torch.uint8), LABELS))
        with pytest.raises(ParameterError, match=r"samples: got shape \(.*5\), allowed \(batch, 12\)"):
            call(make(), TensorDataset(VALUES[:, :5], LABELS))
        with pytest.raises(ParameterError, match=r"classes from .* to 5, allowed 0 to 2"):
            call(make(), TensorDataset(VALUES, LABELS + 3))
        with pytest.raises(ParameterError, match=r"a pair of samples and labels"):
            call(make(), TensorDataset(VALUES))
        with pytest.raises(ParameterError, match=r"a tensor with its labels, a torch Dataset or a DataLoader"):
            call(make(), [1, 2])
    with pytest.raises(ParameterError, match=r"validation.*NaN or infinite in sample 7"):
        train(make(), VALUES, LABELS, validation=(bad, LABELS))
    with pytest.raises(ParameterError, match=r"validation.*Split it before"):
        train(make(), DataLoader(TensorDataset(VALUES, LABELS)), validation=0.2)
    with pytest.raises(ParameterError, match="device: got 'tpu'"):
        train(make(), VALUES, LABELS, device="tpu")


def test_the_tasks_refuse_nan_at_their_door():
    settings = experiments.Classification(dataset="mnist", hidden=4, epochs=1, batch=2, steps=2)
    net = HybridNet((5, 4, 10), steps=2)
    fine = torch.full((4, 5), 0.5)
    bad = fine.clone()
    bad[2, 1] = float("nan")
    with pytest.raises(ParameterError, match=r"SupervisedTask.samples: got NaN or infinite in sample 2"):
        tasks.SupervisedTask(settings, net, bad, LABELS[:4])
    task = tasks.SupervisedTask(settings, net, fine, LABELS[:4])
    with pytest.raises(ParameterError, match=r"outputs.samples: got NaN or infinite in sample 2"):
        task.accuracy(bad, LABELS[:4])
    drawings = torch.rand(1623, 20, 31, 31)
    drawings[5, 3, 2, 2] = float("nan")
    with pytest.raises(ParameterError, match=r"FewShotTask.images: got NaN or infinite"):
        tasks.FewShotTask(experiments.FewShot(channels=2), images=drawings)
