# SPDX-License-Identifier: BSD-3-Clause
"""`check` says of a file what each target refuses: what it says can run is accepted, and nothing else."""

import dataclasses
import json
import sys
from itertools import pairwise

import h5py
import nir
import numpy as np
import pytest
from networks import plastic_network
from user_neuron import Draining
from user_rule import Habit

import synergic as sy
from synergic.cli import main
from synergic.cli._check_report import check_file
from synergic.errors import CapacityError, FormatError, ParameterError, SynergicError, UnsupportedError
from synergic.hw_targets.mapping import map_network, save_mapping
from synergic.interchange import check, from_lava_dl, from_nir, to_c, to_lava_dl, to_nir
from synergic.network import save
from synergic.processes import Graph

TARGETS = ("lava", "chip", "c", "nir", "lava-dl")
RULES = {
    "none": None, "Hebbian": sy.Hebbian(0.1, 0.1), "Oja": sy.Oja(0.05), "BCM": sy.BCM(0.1),
    "PairSTDP": sy.PairSTDP(0.2, 0.1), "ThreeFactor": sy.ThreeFactor(0.1), "Habit": Habit(0.2),
}  # fmt: skip
NEURONS = {
    "LIF": sy.LIF(), "CurrentLIF": sy.CurrentLIF(0.5), "AdaptiveLIF": sy.AdaptiveLIF(0.2, 0.9), "ReLU": sy.ReLU(),
    "Table": sy.Table.of("sigmoid"), "Draining": Draining(0.05),
}  # fmt: skip


def network_of(neuron=None, rule=None, **changes):
    """Two layers, the first of a kind of neurons, the projection into it with a rule."""
    rng = np.random.default_rng(3)
    reset, scope = changes.get("reset", "zero"), changes.get("scope", "per_sample")
    decay = 0.5 if neuron is None or neuron.memory else 0.0
    alpha = changes.get("alpha", 0.1)
    local = {} if rule is None else {"rule": rule, "alpha": alpha, "plasticity_scope": scope}
    populations = (
        sy.Population("hidden", 6, changes.get("vth", 1.0), decay, reset, 0.0, neuron),
        sy.Population("class", 3, 1.0, 0.5, reset),
    )
    ways = [
        sy.Projection("c1", "in", "hidden", rng.normal(0, 1, (6, 8)), **local),
        sy.Projection("c2", "hidden", "class", rng.normal(0, 1, (3, 6))),
        *([sy.Projection("skip", "in", "class", rng.normal(0, 1, (3, 8)))] if "skip" in changes else []),
    ]
    source = sy.Source("in", 8, changes.get("bits", 0))
    return sy.Network(source, populations, tuple(ways), "class", 4, "rate", tau_w=changes.get("tau_w", np.inf))


def coarse():
    """Integers of which a lava-dl file loses nothing."""
    network = sy.quantise(network_of())
    populations = tuple(dataclasses.replace(p, vth=p.vth // 64 * 64) for p in network.populations)
    return dataclasses.replace(network, populations=populations)


NETWORKS = {
    **{f"{n} {r}": lambda n=n, r=r: network_of(NEURONS[n], RULES[r]) for n in NEURONS for r in RULES},
    **{f"{scope} {r}": lambda r=r, scope=scope: network_of(rule=RULES[r], scope=scope)
       for r in RULES if r != "none" for scope in ("frozen", "stream")},
    "by subtraction": lambda: network_of(reset="subtract"),
    "decaying": lambda: network_of(tau_w=20.0),
    "values": lambda: network_of(bits=8),
    "values and spikes": lambda: network_of(bits=8, skip=True),
    "skip": lambda: network_of(skip=True),
    "softmax": lambda: network_of(rule=sy.Hebbian(0.1, 0.1, rho="softmax")),
    "alpha of each synapse": lambda: network_of(rule=sy.Oja(0.05), alpha=np.full((6, 8), 0.1)),
    "a rate too large": lambda: network_of(rule=sy.Oja(4.5)),
    "a threshold out of reach": lambda: network_of(vth=1e6),
    "integers": coarse,
    "integers with a rule": lambda: sy.quantise(network_of(rule=RULES["BCM"])),
    "wide integers": lambda: sy.quantise(network_of(), weight_bits=16),
}  # fmt: skip


def accepts(target, network, folder):
    """Whether the converter takes a network."""

    def integer():
        return sy.quantise(network) if isinstance(network, sy.Network) else network

    told = any(q.plastic and q.rule.signalled for q in network.projections)
    signal = np.zeros((1, network.steps), int) if told else None
    convert = {
        "lava": lambda: Graph(network, np.zeros((1, network.steps, network.source.size), int), signal),
        "chip": lambda: map_network(integer()),
        "c": lambda: to_c(integer(), folder / "c"),
        "nir": lambda: to_nir(network),
        "lava-dl": lambda: to_lava_dl(integer(), folder / "net.h5"),
    }
    try:
        convert[target]()
    except SynergicError:
        return False
    return True


@pytest.mark.filterwarnings("ignore:.*rounds to 0")
@pytest.mark.one_in(3)
@pytest.mark.parametrize("name", NETWORKS)
def test_what_it_says_is_what_the_converters_do(name, tmp_path):
    network = NETWORKS[name]()
    save(network, tmp_path / "net.sy")
    found = check(tmp_path / "net.sy")
    assert found.parts[0] == "in"
    for target in TARGETS:
        assert found.runs(target) == accepts(target, network, tmp_path), (target, found.of(target))
        assert check(tmp_path / "net.sy", target).of(target) == found.of(target)


def test_every_target_has_networks_that_run_and_others_that_do_not(tmp_path):
    """So that the agreement above is about something. Lava has a process for every part of a description."""
    found = {target: set() for target in TARGETS}
    for make in NETWORKS.values():
        save(make(), tmp_path / "net.sy")
        checked = check(tmp_path / "net.sy")
        for target in TARGETS:
            found[target].add(checked.runs(target))
    assert found == {target: {True, False} if target not in ("lava",) else {True} for target in TARGETS}


@pytest.fixture
def textless(monkeypatch):
    """A rule and a neuron without C text, which later tests do not know."""
    for family in (sy.Rule, sy.Neuron):
        monkeypatch.setattr(family, "registry", dict(family.registry))
    names = {"__module__": __name__}
    return type("Silent", (Habit,), dict(names)), type("Undrained", (Draining,), dict(names))


def test_all_reasons_are_listed_by_part(textless, tmp_path):
    silent, undrained = textless
    network = network_of(undrained(0.05), silent(0.2), reset="subtract")
    save(network, tmp_path / "net.sy")
    found = check(tmp_path / "net.sy")
    assert [issue.part for issue in found.of("c")] == ["hidden", "c1"]
    assert "c1.rule: got Silent, which has no C text" in found.of("c", "c1")[0].text
    assert found.runs("chip")
    assert [(i.part, i.lossy) for i in found.of("nir")] == [
        ("hidden", True), ("hidden", False), ("class", True), ("c1", True)
    ]  # fmt: skip
    with pytest.raises(UnsupportedError, match=r"hidden\.neuron: got Undrained"):
        to_nir(network, lossy=True)


def test_all_that_quantise_refuses_is_listed(tmp_path):
    network = network_of(rule=sy.Oja(4.5), vth=1e6)
    other = dataclasses.replace(network.projections[1], rule=sy.Hebbian(0.1, 0.1, rho="softmax"), alpha=0.1,
                                local_weights=np.zeros((3, 6)))  # fmt: skip
    save(dataclasses.replace(network, projections=(network.projections[0], other)), tmp_path / "net.sy")
    found = check(tmp_path / "net.sy")
    assert [issue.part for issue in found.of("c")] == ["hidden", "c2"]  # c1 has no scale without its target
    assert found.runs("lava")
    assert "Lava runs it in floating point only." in found.notes


def test_what_is_too_large_for_a_chip_is_said_with_the_change(tmp_path):
    network = plastic_network(sizes=(10, 12000, 10))
    save(network, tmp_path / "net.sy")
    found = check(tmp_path / "net.sy", ("chip", "c"))
    with pytest.raises(CapacityError) as caught:
        map_network(sy.quantise(network))
    assert [issue.text for issue in found.of("chip")] == str(caught.value).splitlines()
    assert found.runs("c")
    assert check(tmp_path / "net.sy", "chip", chip="tianjicx").issues != found.issues


def graph(**nodes):
    """A NIR graph of nodes in a row."""
    nodes = {"input": nir.Input(np.array([3])), **nodes, "output": nir.Output(np.array([2]))}
    names = list(nodes)
    return nir.NIRGraph(nodes, list(pairwise(names)))


def lif(tau=1.0, n=2):
    return nir.LIF(tau=np.full(n, tau), r=np.ones(n), v_leak=np.zeros(n), v_threshold=np.ones(n))


GRAPHS = {
    "sound": graph(w=nir.Linear(np.ones((2, 3))), n=lif()),
    "three kinds of nodes": graph(w=nir.Linear(np.ones((2, 3))), n=lif(1e-5), scale=nir.Scale(np.ones(2)),
                                  w2=nir.Linear(np.ones((2, 2))), m=lif(np.array([1.0, 2.0]))),
    "no weights": graph(n=lif(n=3), w=nir.Linear(np.ones((2, 3))), m=lif()),
    "no neurons": graph(w=nir.Linear(np.ones((2, 3)))),
    "a bias before a current": graph(
        w=nir.Affine(np.ones((2, 3)), np.ones(2)),
        n=nir.CubaLIF(tau_syn=np.full(2, 0.01), tau_mem=np.ones(2), r=np.ones(2), v_leak=np.zeros(2),
                      v_threshold=np.ones(2), w_in=np.ones(2)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GRAPHS)
def test_a_graph_is_checked_node_by_node(name, tmp_path):
    path = tmp_path / "graph.nir"
    nir.write(path, GRAPHS[name])
    found = check(path, dt=1e-3)
    assert set(GRAPHS[name].nodes) <= set(found.parts) | {"output"}
    if name == "sound":
        assert isinstance(from_nir(path, dt=1e-3, steps=4), sy.Network)
        assert found.runs("lava")
    else:
        with pytest.raises(SynergicError) as caught:
            from_nir(path, dt=1e-3, steps=4)
        assert str(caught.value) in {issue.text for issue in found.issues}
        assert not any(found.runs(target) for target in TARGETS)
    assert check(path).notes
    assert not found.notes


def test_all_nodes_of_a_graph_are_named(tmp_path):
    nir.write(tmp_path / "graph.nir", GRAPHS["three kinds of nodes"])
    found = check(tmp_path / "graph.nir")
    assert {issue.part for issue in found.issues} == {"n", "scale", "m"}
    assert {issue.target for issue in found.issues} == {""}
    assert found.of("c", "scale")[0].text.startswith("scale: got Scale, allowed")


def test_all_layers_of_a_lava_dl_file_are_named(tmp_path):
    path = tmp_path / "net.h5"
    to_lava_dl(coarse(), path)
    assert check(path).runs("c")
    assert check(path).form == "a file of lava-dl, in integers"
    with h5py.File(path, "a") as file:
        file["layer/0/delay"] = np.full(8, 63.0)
        file["layer/1/neuron/refDelay"][...] = 3
    found = check(path)
    assert found.parts == ("layer 0", "layer 1")
    assert [issue.part for issue in found.issues] == ["layer 0", "layer 1"]
    with pytest.raises(UnsupportedError) as caught:
        from_lava_dl(path, 4)
    assert str(caught.value) == found.issues[0].text
    for target in TARGETS:
        assert not found.runs(target)


def test_runs_mappings_and_other_files(tmp_path):
    network = network_of(rule=RULES["Oja"])
    (tmp_path / "run").mkdir()
    save(network, tmp_path / "run" / "network.h5")
    assert check(tmp_path / "run").runs("c")
    save_mapping(map_network(sy.quantise(network)), tmp_path / "chip.map")
    assert check(tmp_path / "chip.map").form == "a mapping, in integers"
    assert check(tmp_path / "chip.map").runs("chip")
    (tmp_path / "text").write_text("no network")
    (tmp_path / "empty").mkdir()
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["nothing"] = 1
    for wrong, said in (("text", "not HDF5, or"), ("none", "no such file"), ("empty", "network.h5: no such file"),
                        ("other.h5", "another HDF5 file")):  # fmt: skip
        with pytest.raises(FormatError, match=said):
            check(tmp_path / wrong)
    whole = (tmp_path / "run" / "network.h5").read_bytes()
    (tmp_path / "half").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FormatError):
        check(tmp_path / "half")
    with pytest.raises(ParameterError, match=r"check.targets: got 'fpga'"):
        check(tmp_path / "run", "fpga")
    with pytest.raises(ParameterError, match=r"Checked.of.part: got 'c9'"):
        check(tmp_path / "run").of("c", "c9")


@pytest.mark.parametrize(
    ("options", "code"),
    [([], None), (["--for", "c"], None), (["--for", "nir"], 1), (["--for", "lava-dl", "--weight-bits", "16"], 1),
     (["--for", "chip", "--weight-bits", "16"], 1), (["--for", "chip", "--chip", "none"], 2)],
)  # fmt: skip
def test_the_exit_code_says_whether_the_asked_target_can(options, code, tmp_path, monkeypatch, capsys):
    save(network_of(rule=RULES["Oja"]), tmp_path / "net.sy")
    monkeypatch.setattr(sys, "argv", ["synergic", "check", str(tmp_path / "net.sy"), *options])
    if code is None:
        main()
    else:
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == code


def test_the_command_prints_parts_beside_targets(tmp_path, capsys):
    save(network_of(NEURONS["Table"], RULES["Oja"]), tmp_path / "net.sy")
    check_file(tmp_path / "net.sy", TARGETS, tmp_path / "found.json")
    said = capsys.readouterr().out
    assert "hidden.neuron: got Table, allowed LIF or CurrentLIF" in said
    assert "c: can run it" in said
    assert "nir: cannot run it" in said
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["runs"] == {"lava": True, "chip": True, "c": True, "nir": False, "lava-dl": False}
    assert {issue["part"] for issue in found["issues"]} <= {"", *found["parts"]}
