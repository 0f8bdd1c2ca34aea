# SPDX-License-Identifier: BSD-3-Clause
"""Where Lava looks for the process models: an alias of synergic.models.event_source.models."""

import sys

from synergic.models.event_source import models

if __name__ != "models":  # Lava also executes this file under its bare name
    sys.modules[__name__] = models
