# SPDX-License-Identifier: BSD-3-Clause
"""The table of docs/lava.md has every process, with its ports and what runs it."""

import re
from pathlib import Path

import numpy as np
import pytest
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.run_conditions import RunSteps
from networks import plastic_network
from public_functions import in_lava

import synergic as sy
from synergic import processes
from synergic.data import Rate
from synergic.errors import ParameterError, UnsupportedError
from synergic.hw_targets.lava_bridge import MODELS, ChipSimCfg
from synergic.processes import HybridSimCfg, running

PAGE = (Path(__file__).parents[2] / "docs" / "lava.md").read_text()
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\| `\w+` .*\|$", PAGE, re.M)]
TABLE = {row[0].strip("`"): row[1:] for row in ROWS if len(row) == 7}


def test_every_process_is_in_the_table_with_its_ports():
    exported = {name: getattr(processes, name) for name in processes.__all__}
    assert TABLE.keys() == {
        name for name, thing in exported.items() if isinstance(thing, type) and issubclass(thing, AbstractProcess)
    }
    made = in_lava()
    for name, (what, received, sent, floating, fixed, _) in TABLE.items():
        case = made[f"synergic.processes.{name}"]
        process = case.call(**case.args)
        assert what
        assert set(filter(None, received.split(", "))) == {port.name for port in process.in_ports}
        assert set(sent.split(", ")) == {port.name for port in process.out_ports}
        assert (floating, fixed) == ("yes", "yes")


@pytest.mark.parametrize("name", TABLE)
def test_an_argument_that_a_process_does_not_have_is_refused(name):
    """Lava's own constructors take any, in silence."""
    case = in_lava()[f"synergic.processes.{name}"]
    with pytest.raises(ParameterError, match=rf"{name}: got an argument 'not_there', allowed .*\. Leave it out"):
        case.call(**case.args, not_there=1)
    with pytest.raises(ParameterError, match="Did you mean 'log_config'"):
        case.call(**case.args, log_confg=None)


def test_a_derived_process_may_hand_its_model_more():
    class Own(processes.HybridLIF):
        def __init__(self, **given):
            super().__init__(**given)

    assert Own(shape=(2,), vth=1.0, decay=0.5, mine=3).proc_params["mine"] == 3


def test_what_the_chip_does_with_each_is_as_the_table_says():
    said = {name: row[-1] for name, row in TABLE.items()}
    assert {name for name, word in said.items() if word == "mapped"} == {process.__name__ for process in MODELS}
    network = sy.quantise(plastic_network())
    for name in (name for name, word in said.items() if word == "refused"):
        with pytest.raises(UnsupportedError, match=name):
            getattr(processes, name)(network=network).run(condition=RunSteps(num_steps=1), run_cfg=ChipSimCfg())


def test_spikes_alone_run_in_floating_point():
    encoder, cfg = processes.Encoder(code=Rate(), values=np.ones((1, 3)), period=2), HybridSimCfg()
    with running(encoder):
        encoder.run(condition=RunSteps(num_steps=1), run_cfg=cfg)
        assert cfg.select_tag == "floating_pt"
