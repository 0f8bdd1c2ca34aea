# SPDX-License-Identifier: BSD-3-Clause
"""The C text of a local rule: what `synergic.interchange.to_c` writes beside the equation in integers."""

from __future__ import annotations

from typing import NamedTuple


class CRule(NamedTuple):
    """The integer equation of a rule as statements in C99.

    A rule has it in its class attribute `c_text`. All numbers are `int64_t`, and have the fraction bits that they have
    in `Rule.fixed`. The names of parameters, of settings and of extra arrays stand for the value of the present input,
    neuron or synapse; tables are arrays. Further names are `s`, `x`, `fired` and `signal` of `Received`, `P`, and
    the functions `rshift(a, n)`, `ashift(a, n)`, the shift that rounds down, and `clip(a, low, high)`.

    Parameters
    ----------
    synapse : str
        Statements that assign the new `P`, and the new extra arrays by synapse. They run once for each synapse that has
        a local weight. The caller applies bounds and counts what they change. In a rule without extra arrays by
        synapse, `continue` leaves P as it is, which saves time where most inputs are silent.
    pre : str, default ""
        Statements that run before, once for each input. They may assign extra arrays by "pre".
    post : str, default ""
        Statements that run before the synapses of a neuron, once for each neuron. They may assign extra arrays by
        "post", and declare variables that `synapse` reads.
    pre_end, post_end : str, default ""
        Statements that run after the synapses, once for each input, or neuron.
    stream : str, default ""
        For a projection with `plasticity_scope="stream"`: statements for each synapse that add to `gathered`, which the
        write at the end of the presentation multiplies by `share` of `IntRule.write_factors`. "" adds what `synapse`
        changes of P, which is right for every rule that does not replace `IntRule.write`.

    Notes
    -----
    An extra array is limited to its 19 bits after all statements of a step. New values must be within 32 bits before.
    """

    synapse: str
    pre: str = ""
    post: str = ""
    pre_end: str = ""
    post_end: str = ""
    stream: str = ""
