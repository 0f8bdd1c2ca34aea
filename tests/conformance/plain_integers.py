# SPDX-License-Identifier: BSD-3-Clause
"""An interpreter of integer networks in plain Python integers, written from docs/fixed-point.md, docs/rules.md and
docs/neurons.md alone. It imports nothing of synergic, nor numpy: whatever it needs to know stands on these pages.

A network is a dict:
    source      name, onset 0; "sizes" are by name, the source's among them
    steps, k    T, and k(m) as a list of T integers
    populations list of dicts in the order of their onsets: name, vth, decay, reset, bias, shift (6 or 14), onset, kind,
                and the kind's own parameters, lists with one value a neuron; homeostasis, None or a dict with target
                and start (lists), rate, e, limit, table and c
    projections list of dicts: name, source, target, weights, fades, delay, and where there is a rule: scope, alpha,
                local, kind, p_top, vth, e, unit, sign, table, c, mask (or None), memory, rounding, seed, values
                (whether they come in), and the rule's parameters, lists with one value a neuron, or one value for all
"""


def rshift(a, n):
    return (a + (1 << (n - 1))) >> n if n else a


def towards_zero(a):
    return abs(a) >> 12 if a >= 0 else -(abs(a) >> 12)


def clip(a, low, high):
    return low if a < low else high if a > high else a


def nearest(x):
    return round(x)


def sat24(a):
    return clip(a, -(2**23), 2**23 - 1)


class Run:
    """A run of presentations, one after another: streams and homeostatic biases go on."""

    def __init__(self, network):
        self.network = network
        self.onsets = onsets(network)
        self.saturated = {f"{p['name']}.u": 0 for p in network["populations"]}
        self.saturated |= {f"{q['name']}.P": 0 for q in network["projections"] if "kind" in q}
        self.biases = {p["name"]: p["homeostasis"]["start"] for p in network["populations"] if p["homeostasis"]}
        self.stored = {q["name"]: [row[:] for row in q["local"]] for q in network["projections"] if "kind" in q}

    def present(self, inputs, signal, number):
        """One presentation: what was sent, u, and P at its end, by name. inputs : (T, channels). signal : (T,)."""
        network = self.network
        sizes, steps = network["sizes"], network["steps"]
        sent = {p["name"]: [] for p in network["populations"]} | {network["source"]: inputs}
        shown = {p["name"]: [] for p in network["populations"]}
        u = {p["name"]: [0] * sizes[p["name"]] for p in network["populations"]}
        rest = {p["name"]: (0, 0) if p["kind"] == "RefractoryLIF" else 0 for p in network["populations"]}
        beside = {p["name"]: [rest[p["name"]]] * sizes[p["name"]] for p in network["populations"]}
        local = {name: [row[:] for row in rows] for name, rows in self.stored.items()}
        traces = {q["name"]: fresh(q, sizes) for q in network["projections"] if "kind" in q}
        for m in range(steps):
            for p in network["populations"]:
                name = p["name"]
                into = [q for q in network["projections"] if q["target"] == name]
                arrived = {q["name"]: self.arriving(q, sent, m) for q in into}
                total = [0] * sizes[name]
                for q in into:
                    k = network["k"][m] if q["fades"] else 4096
                    s = arrived[q["name"]]
                    for i in range(sizes[name]):
                        total[i] += k * sum(a * w for a, w in zip(s, q["weights"][i], strict=True))
                        if q["name"] in local:
                            total[i] += q["alpha"][i] * sum(a * w for a, w in zip(s, local[q["name"]][i], strict=True))
                before = self.neurons(p, total, u[name], beside[name], sent[name])
                shown[name].append(before)
                for q in into:
                    if q.get("kind") and q["scope"] == "per_sample":
                        self.learn(q, local[q["name"]], traces[q["name"]], arrived[q["name"]], before, signal[m])
        for q in network["projections"]:
            if q.get("kind") and q["scope"] == "stream":
                s = [self.arriving(q, sent, m) for m in range(steps)]
                self.write(q, local[q["name"]], s, shown[q["target"]], signal, number)
                self.stored[q["name"]] = [row[:] for row in local[q["name"]]]
        for p in network["populations"]:
            if p["homeostasis"]:
                self.biases[p["name"]] = adapted(p["homeostasis"], self.biases[p["name"]], shown[p["name"]])
        return sent, shown, local

    def arriving(self, q, sent, m):
        """What the projection delivers in step m, counted from 0."""
        onsets = self.onsets
        then = m - (onsets[q["source"]] + 1 + q["delay"] - onsets[q["target"]])
        return sent[q["source"]][then] if then >= 0 else [0] * self.network["sizes"][q["source"]]

    def neurons(self, p, total, u, beside, sent):
        """Steps 2 to 4. Changes u and beside, appends to sent, returns u before the reset."""
        shown, out, count = [], [], 0

        def limited(value):
            nonlocal count
            count += value != sat24(value)
            return sat24(value)

        for i, a in enumerate(total):
            vth, b, left = p["vth"], p["bias"][i], rshift(u[i] * p["decay"], 12)
            if p["homeostasis"]:
                b += rshift(self.biases[p["name"]][i], 8)
            if p["kind"] == "LIF":
                v = limited(left + rshift(a, p["shift"]) + b)
                s = int(v > vth)
                shown.append(v)
                u[i] = v - vth * s if p["reset"] == "subtract" else v * (1 - s)
                out.append(s)
                continue
            current = limited(rshift(a, p["shift"]))
            if p["kind"] == "CurrentLIF":
                x = rshift(p["decay_i"][i] * beside[i], 12) + current
                v = left + x + b
                s = int(v > vth)
                after = v - vth * s if p["reset"] == "subtract" else v * (1 - s)
                beside[i] = limited(x)
            elif p["kind"] == "LoihiLIF":
                x = towards_zero(p["decay_i"][i] * beside[i]) + current
                v = towards_zero(u[i] * p["decay"]) + x + b
                s = int(v > vth)
                after = v - vth * s if p["reset"] == "subtract" else v * (1 - s)
                beside[i] = limited(x)
            elif p["kind"] == "RefractoryLIF":
                x, n = beside[i]
                x = rshift(p["decay_i"][i] * x, 12) + current
                v = u[i] if n > 0 else left + x + b
                s, after = int(v > vth), v
                if s:
                    after = min(v - vth, vth) if p["reset"] == "subtract" else 0
                beside[i] = limited(x), p["refractory_period"][i] if s else max(n - 1, 0)
            elif p["kind"] == "AdaptiveLIF":
                h, w = beside[i], left + current + b
                v = w - h
                s = int(v > vth)
                after = w - (vth + h) * s if p["reset"] == "subtract" else w * (1 - s)
                beside[i] = limited(rshift(p["decay_h"][i] * h, 12) + p["jump"][i] * s)
            else:
                v, after = current + b, 0
                x = rshift(v * nearest(2**32 / vth), 20)
                if p["kind"] == "ReLU":
                    s = clip(rshift(255 * x, 12), 0, 255)
                else:
                    s = p["entries"][clip((x >> 7) + 128, 0, 255)]
            shown.append(limited(v))
            u[i] = limited(after)
            out.append(s)
        sent.append(out)
        self.saturated[f"{p['name']}.u"] += count
        return shown

    def learn(self, q, local, traces, s, u, r):
        """Step 5: changes P and the traces of one projection."""
        new = changed(q, local, traces, s, u, r)
        self.settle(q, local, new)
        self.saturated[f"{q['name']}.P"] += bound(q, traces)

    def settle(self, q, local, new):
        """Mask, then bound of P."""
        for i, row in enumerate(new):
            for j, value in enumerate(row):
                value = value if q["mask"] is None else value * q["mask"][i][j]
                local[i][j] = clip(value, -q["p_top"], q["p_top"])
                self.saturated[f"{q['name']}.P"] += local[i][j] != value

    def write(self, q, local, s, u, signal, number):
        """The write of a stream."""
        steps, n_out, n_in = len(s), len(local), len(local[0])
        words = register(q["seed"], number)
        if q["kind"] == "Hebbian":
            share = nearest(2**24 * (q["lambda_"] / 4096) ** (steps / q["memory"]))
            n = max(24, 12 + q["e"])
            post = [[rho(q, i, u[m][i]) for i in range(n_out)] for m in range(steps)]
        else:
            share, n, total, traces = (
                nearest(2**24 / q["memory"]),
                24,
                None,
                fresh(q, {q["source"]: n_in, q["target"]: n_out}),
            )
            total = [[0] * n_in for _ in range(n_out)]
            for m in range(steps):
                new = changed(q, local, traces, s[m], u[m], signal[m])
                bound(q, traces)
                for i in range(n_out):
                    for j in range(n_in):
                        total[i][j] += new[i][j] - local[i][j]
        new = []
        for i in range(n_out):
            row = []
            for j in range(n_in):
                if q["kind"] == "Hebbian":
                    grown = q["sign"] * q["eta"][j] * sum(s[m][j] * post[m][i] for m in range(steps))
                    exact = (share * local[i][j] << (n - 24)) + (grown << (n - 12 - q["e"]))
                else:
                    exact = (local[i][j] << 24) + share * total[i][j]
                if q["rounding"] == "nearest":
                    row.append(rshift(exact, n))
                else:
                    word = next(words)
                    row.append((exact + (word >> (32 - n) if n <= 32 else word << (n - 32))) >> n)
            new.append(row)
        self.settle(q, local, new)


TRACES = {"Hebbian": (), "Oja": (), "BCM": ("theta",), "PairSTDP": ("a", "b"), "ThreeFactor": ("e",)}


def onsets(network):
    """By name, the steps behind the source at which each population begins."""
    found = {network["source"]: 0}
    for _ in network["populations"]:
        for q in network["projections"]:
            if q["source"] in found:
                arrives = found[q["source"]] + 1 + q["delay"]
                found[q["target"]] = min(arrives, found.get(q["target"], arrives))
        for p in network["populations"]:
            if p["onset"] is not None and p["name"] in found:
                found[p["name"]] = min(p["onset"], found[p["name"]])
    return found


def adapted(h, c, u):
    """The biases of homeostasis after a presentation. u : (T, neurons), before the reset."""
    new = []
    for i, now in enumerate(c):
        total = sum(h["table"][clip((row[i] * h["c"] >> 20) + 128, 0, 255)] for row in u)
        new.append(clip(now - rshift(h["rate"] * (total - h["target"][i]), h["e"]), -h["limit"], h["limit"]))
    return new


def fresh(q, sizes):
    """The traces at the beginning of a presentation."""
    n_in, n_out = sizes[q["source"]], sizes[q["target"]]
    made = {"theta": [0] * n_out, "a": [0] * n_in, "b": [0] * n_out, "e": [[0] * n_in for _ in range(n_out)]}
    return {name: made[name] for name in TRACES[q["kind"]]}


def bound(q, traces):
    """Bounds of the traces; how many entries of those by synapse they change."""
    count = 0
    for name, values in traces.items():
        for i, value in enumerate(values):
            if name != "e":
                values[i] = clip(value, -262144, 262144)
                continue
            for j, one in enumerate(value):
                value[j] = clip(one, -262144, 262144)
                count += value[j] != one and (q["mask"] is None or q["mask"][i][j] == 1)
    return count


def rho(q, i, u):
    """q_i of the Hebbian rule."""
    return q["table"][clip((u * q["c"] >> 20) + 128, 0, 255)] + q["beta"][i]


def changed(q, local, traces, s, u, r):
    """P after a step, before mask and bound. Changes the traces, unbounded."""
    n_out, n_in, kind, e = len(local), len(s), q["kind"], q["e"]
    if kind == "Hebbian":
        post = [rho(q, i, u[i]) for i in range(n_out)]
        return [
            [
                rshift(q["lambda_"] * local[i][j], 12) + rshift(q["sign"] * q["eta"][j] * s[j] * post[i], 12 + e)
                for j in range(n_in)
            ]
            for i in range(n_out)
        ]
    s = [rshift(4112 * v, 8) if q["values"] else 4096 * v for v in s]
    x = [clip(rshift(v * nearest(2**32 / q["vth"]), 20), -32768, 32767) for v in u]
    f = [4096 * (v > q["vth"]) for v in u]
    new = [[0] * n_in for _ in range(n_out)]
    if kind == "Oja":
        for i in range(n_out):
            for j in range(n_in):
                lost = rshift(x[i] * rshift(local[i][j] * q["unit"], 32), 12)
                new[i][j] = local[i][j] + rshift(q["eta"][i] * x[i] * (s[j] - lost), 24 + e)
        return new
    if kind == "BCM":
        theta = traces["theta"]
        for i in range(n_out):
            y = max(x[i], 0)
            change = rshift(y * (y - q["floor"][i] - theta[i]), 12)
            for j in range(n_in):
                new[i][j] = rshift(q["lambda_"] * local[i][j], 12) + rshift(change * q["eta"][j] * s[j], 24 + e)
            theta[i] = rshift(q["decay"] * theta[i] + rshift((4096 - q["decay"]) * y * y, 12), 12)
        return new
    if kind == "PairSTDP":
        a, b = traces["a"], traces["b"]
        for j in range(n_in):
            a[j] = rshift(q["decay_plus"] * a[j], 12) + s[j]
        for i in range(n_out):
            b[i] = rshift(q["decay_minus"] * b[i], 12)
            for j in range(n_in):
                change = q["eta_plus"][i] * f[i] * a[j] - b[i] * q["eta_minus"][j] * s[j]
                new[i][j] = rshift(q["lambda_"] * local[i][j], 12) + rshift(change, 24 + e)
            b[i] += f[i]
        return new
    for i in range(n_out):
        for j in range(n_in):
            eligible = rshift(q["decay"] * traces["e"][i][j] + (x[i] + q["beta"][i]) * s[j], 12)
            traces["e"][i][j] = eligible
            new[i][j] = rshift(q["lambda_"] * local[i][j], 12) + rshift(q["eta"] * r * eligible, 24 + e)
    return new


def register(seed, number):
    """The random words of a write: the states of the shift register after 1, 2, ... shifts."""
    key = 0
    for a in (seed, number):
        key = (key + a + 1) * 0x9E3779B97F4A7C15 % 2**64
        key = (key ^ key >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        key = (key ^ key >> 27) * 0x94D049BB133111EB % 2**64
        key ^= key >> 31
    word = 1 + key % (2**32 - 1)
    while True:
        b = word ^ word >> 1 ^ word >> 2 ^ word >> 3 ^ word >> 5 ^ word >> 7
        word = word >> 1 | (b & 1) << 31
        yield word
