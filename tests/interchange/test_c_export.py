# SPDX-License-Identifier: BSD-3-Clause
"""What an export takes, what is refused with which change, what is written, and local weights read back."""

import dataclasses
import re
import shutil
import subprocess

import numpy as np
import pytest
from networks import plastic_network, random_spikes

import synergic as sy
from synergic.cli._c_code import export_c, import_state
from synergic.errors import CapacityError, FormatError, ParameterError, UnsupportedError
from synergic.interchange import c_footprint, read_c_state, to_c
from synergic.interchange._c._c_fingerprint import fingerprint
from synergic.interchange._c._c_state import state_head
from synergic.network import load, save
from synergic.rules import CRule, Rule, plain

NET = sy.quantise(plastic_network())  # 12-9-4


def test_the_table_has_every_byte_by_hand():
    footprint = c_footprint(NET)
    parts = {part.name: part for part in footprint.parts}
    # 9 x 12 slow weights of 8 bits; alpha is one number; eta of 12, beta of 9, a table of 256: 16 bits each
    assert parts["c0"].flash == 108 + 2 * (12 + 9 + 256) + 2 * 108  # and P at the start
    assert parts["c0"].ram == 2 * 108 + 8  # P of 16 bits, and a counter
    assert parts["c0"].operations == 3 * 108  # slow and local sums, and the rule
    assert parts["layer1"].ram == (4 + 4 + 1) * 9 + 8  # potential, what the reset leaves, spikes; a counter
    # the sums of the larger population, a list of the active inputs, the step
    assert parts["all populations"].ram == pytest.approx(8 * 9 + 2 * 12 + 4, abs=7), "filled up to 8"
    assert parts["all populations"].flash == 2 * 6  # k of six steps
    assert footprint.ram == sum(part.ram for part in footprint.parts)


def streaming(integer=True, **bits):
    """A network whose local weights live on."""
    network = plastic_network(plasticity_scope="stream", memory=5)
    return sy.quantise(network, **bits) if integer else network


def test_the_table_has_what_a_stream_stores_by_hand():
    """Either the steps of a presentation and the sums of a neuron, or the sums of all synapses: the smaller one."""
    parts = {part.name: part for part in c_footprint(streaming(rounding="stochastic")).parts}
    # six steps of 12 inputs and of 9 potentials, sums of 12 synapses: less than those of 9 x 12
    assert parts["c0"].ram == 2 * 108 + 8 + 6 * (12 + 4 * 9) + 8 * 12
    assert parts["c1"].ram == 2 * 36 + 8 + 6 * (9 + 4 * 4) + 8 * 9
    assert parts["c0"].flash == 108 + 2 * (9 + 256) + 2 * 108 + 4 * 12  # the shares of the inputs, in the place of eta
    long = dataclasses.replace(streaming(), steps=60, k=np.full(60, 4096))
    parts = {part.name: part for part in c_footprint(long).parts}
    assert parts["c0"].ram == 2 * 108 + 8 + 8 * 108
    # the sums of the larger population, a list of the active inputs, the step, presentations written, and whether
    assert parts["all populations"].ram == pytest.approx(8 * 9 + 2 * 12 + 4 + 8 + 1, abs=7), "filled up to 8"


def frozen(network):
    """A network that does not learn."""
    ways = (dataclasses.replace(q, plasticity_scope="frozen") for q in network.projections)
    return dataclasses.replace(network, projections=tuple(ways))


def wide(hidden=80, bits=16, local=16):
    return sy.quantise(plastic_network(sizes=(40, hidden, 4)), weight_bits=bits, local_bits=local)


def refused(network, **have):
    with pytest.raises(CapacityError) as caught:
        to_c(network, "never", **have)
    return str(caught.value)


@pytest.mark.parametrize(
    ("short", "change", "made"),
    [
        ({"flash": -1000}, "With quantise(weight_bits=8) it needs at most", lambda: wide(bits=8)),
        ({"ram": -1000}, "With quantise(local_bits=8) it needs at most", lambda: wide(local=8)),
        (
            {"flash": -5000, "ram": -1000},
            "With quantise(weight_bits=8, local_bits=8) it needs at most",
            lambda: wide(80, 8, 8),
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_the_smallest_change(short, change, made):
    now = c_footprint(wide())
    have = {name: getattr(now, name) + less for name, less in short.items()}
    said = refused(wide(), **have)
    for name in short:
        assert f"{name}: needed {getattr(now, name)} bytes, available {have[name]} bytes" in said
    assert change in said
    flash, ram = map(int, re.search(r"it needs at most (\d+) and (\d+) bytes", said).groups())
    after = c_footprint(made())
    assert ram == after.ram
    assert after.flash <= flash  # narrower biases are not foreseen
    assert flash - after.flash <= 2 * 84


def test_fewer_neurons_or_no_learning_where_narrow_weights_are_not_enough():
    network = wide()
    said = refused(network, ram=3000)
    fewer = int(re.search(r"It fits with (\d+) instead of 80 neurons in 'layer1'", said)[1])
    assert c_footprint(wide(fewer)).ram <= 3000 < c_footprint(wide(fewer + 1)).ram
    flash, ram = map(int, re.search(r"'frozen' .* it needs at most (\d+) and (\d+) bytes", said).groups())
    after = c_footprint(frozen(network))
    assert ram == after.ram
    assert after.flash <= flash
    assert "Use fewer neurons in several populations, or a larger device." in refused(network, ram=10)


def test_what_fits_exactly_is_written(tmp_path):
    now = c_footprint(NET)
    assert to_c(NET, tmp_path / "a" / "b", flash=now.flash, ram=now.ram) == now
    found = {str(p.relative_to(tmp_path / "a" / "b")) for p in (tmp_path / "a" / "b").rglob("*") if p.is_file()}
    assert found == {
        "src/net.h", "src/net.c", "src/net_data.h", "src/synergic_arithmetic.h", "main.c", "library.properties",
        "examples/classify/classify.ino",
    }  # fmt: skip
    refused(NET, flash=now.flash - 1)
    refused(NET, ram=now.ram - 1)


@pytest.mark.parametrize("name", ["", "2a", "a-b", "int", "ö", None, 3, "a" * 50])
def test_names_that_c_does_not_take_are_refused(name, tmp_path):
    with pytest.raises(ParameterError, match=r"to_c.name: got"):
        to_c(NET, tmp_path / "made", name)
    assert not (tmp_path / "made").exists()


def test_what_cannot_be_exported_is_refused_by_name(tmp_path, monkeypatch):
    monkeypatch.setattr(Rule, "registry", dict(Rule.registry))
    with pytest.raises(ParameterError, match=r"(?s)to_c.network: got .*allowed IntNetwork. quantise\(\) makes one"):
        to_c(plastic_network(), tmp_path / "made")
    (tmp_path / "file").write_text("")
    with pytest.raises(ParameterError, match=r"to_c.folder: got"):
        to_c(NET, tmp_path / "file")
    with pytest.raises(ParameterError, match=r"to_c.ram: got 0, allowed 1"):
        to_c(NET, tmp_path / "made", ram=0)
    fields = {"__annotations__": {"double": object}, "double": plain(0.5), "c_text": CRule("P = P;"),
              "fixed": staticmethod(lambda p, state, activity, theta: (p, state)), "__module__": __name__}  # fmt: skip
    odd = dataclasses.dataclass(frozen=True, eq=False)(type("Odd", (Rule,), fields))
    way = sy.Projection("c", "in", "out", np.ones((2, 3)), odd(), 0.1)
    network = sy.Network(sy.Source("in", 3), (sy.Population("out", 2, 1.0, 0.5),), (way,), "out", 4)
    with pytest.raises(UnsupportedError, match=r"c.rule: got Odd with \['double'\], allowed names that C"):
        to_c(sy.quantise(network), tmp_path / "made")
    assert not (tmp_path / "made").exists()


def state_of(network, record, sample=-1):
    """The bytes that a program writes, by hand."""
    numbers = [record.local_weights[q.name][sample] for q in network.projections if q.plastic]
    count = (network.presented + record.presentations).to_bytes(8, "little") if network.streams else b""
    return state_head(fingerprint(network)) + b"".join(n.astype("<i2").tobytes() for n in numbers) + count


def test_learned_local_weights_are_read_back_and_others_are_refused(tmp_path):
    record = sy.simulate(NET, random_spikes(NET))
    path = tmp_path / "local.bin"
    path.write_bytes(content := state_of(NET, record))
    learned = read_c_state(NET, path)
    for q, old in zip(learned.projections, NET.projections, strict=True):
        assert (q.local_weights == record.local_weights[q.name][-1]).all()
        assert (q.local_weights != old.local_weights).any()
    save(NET, tmp_path / "net.h5")
    import_state(tmp_path / "net.h5", path, tmp_path / "learned.h5")  # a file has the same fingerprint
    for q, other in zip(load(tmp_path / "learned.h5").projections, learned.projections, strict=True):
        assert (q.local_weights == other.local_weights).all()
    for wrong, said in (
        (content[:-2], "bytes, allowed"),
        (b"nothing", "no local weights of an exported program"),
        (content[:6] + b"?" + content[7:], "of another network"),
        (content[:9], "got 9 bytes, allowed"),  # within the network's fingerprint
        (content[:-2] + b"\x00\x80", "local_weights: got"),  # -32768
    ):
        path.write_bytes(wrong)
        with pytest.raises(FormatError, match=said):
            read_c_state(NET, path)
    with pytest.raises(FormatError, match="no such file"):
        read_c_state(NET, tmp_path / "none")
    still = dataclasses.replace(
        NET, projections=tuple(dataclasses.replace(q, plasticity_scope="frozen") for q in NET.projections)
    )
    with pytest.raises(ParameterError, match="no projection that learns"):
        read_c_state(still, path)


def test_streams_are_read_back_with_their_place_in_the_random_sequence(tmp_path):
    network = dataclasses.replace(streaming(rounding="stochastic", local_bits=8), presented=2**40)
    record = sy.simulate(network, random_spikes(network))
    path = tmp_path / "local.bin"
    path.write_bytes(content := state_of(network, record))
    left = read_c_state(network, path)
    want = network.continued(record)
    assert left.presented == want.presented == 2**40 + record.presentations
    for q, other in zip(left.projections, want.projections, strict=True):
        assert (q.local_weights == other.local_weights).all()
    path.write_bytes(content[:-1] + b"\xff")
    with pytest.raises(FormatError, match="presented: got"):
        read_c_state(network, path)
    path.write_bytes(content[:-8])
    with pytest.raises(FormatError, match="bytes, allowed"):
        read_c_state(network, path)


def test_the_command_prints_sizes_first_and_refuses_sizes_that_are_none(tmp_path, capsys):
    save(plastic_network(), tmp_path / "net.h5")
    made = export_c(tmp_path / "net.h5", tmp_path / "c", "hp", "512k", "1M", tmp_path / "sizes.json")
    assert (tmp_path / "c" / "src" / "hp.c").exists()
    assert f'"ram": {made.ram}' in (tmp_path / "sizes.json").read_text()
    assert '"flash": 524288' in (tmp_path / "sizes.json").read_text()
    capsys.readouterr()
    with pytest.raises(CapacityError):
        export_c(tmp_path / "net.h5", tmp_path / "other", ram="64")
    assert str(made.flash) in capsys.readouterr().out
    assert not (tmp_path / "other").exists()
    for wrong in ("1x", "", "-1", "0k", "1.5k"):
        with pytest.raises(ParameterError, match=r"export.flash: got"):
            export_c(tmp_path / "net.h5", tmp_path / "other", flash=wrong)


ARDUINO = """
#include <stdint.h>
struct Port { void begin(long); int available(); int read(); template <class T> void println(T); };
extern Port Serial;
#include "classify.ino"
"""


@pytest.mark.skipif(shutil.which("g++") is None, reason="no C++ compiler (g++) on this machine")
@pytest.mark.parametrize("rule", [sy.Hebbian(0.1, 0.1), sy.ThreeFactor(0.1)])
def test_the_sketch_is_correct_c_plus_plus(rule, tmp_path):
    way = sy.Projection("c", "in", "out", np.ones((2, 3)), rule, 0.1)
    network = sy.Network(sy.Source("in", 3), (sy.Population("out", 2, 1.0, 0.5),), (way,), "out", 4)
    to_c(sy.quantise(network), tmp_path)
    (tmp_path / "examples" / "classify" / "test.cpp").write_text(ARDUINO)
    command = ["g++", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-Isrc", "examples/classify/test.cpp"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
