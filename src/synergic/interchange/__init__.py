# SPDX-License-Identifier: BSD-3-Clause
"""Networks from and to other libraries, one file a format; docs/interchange.md lists what each converts."""

from synergic.interchange._lava_dl import from_lava_dl, lava_dl_losses, to_lava_dl
from synergic.interchange._nir import from_nir, nir_losses, to_nir

__all__ = ["from_lava_dl", "from_nir", "lava_dl_losses", "nir_losses", "to_lava_dl", "to_nir"]
