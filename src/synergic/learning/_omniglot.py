# SPDX-License-Identifier: BSD-3-Clause
"""Omniglot: 1,623 characters of 50 alphabets, each drawn by 20 people (Lake et al. 2015), and episodes of it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from synergic._core.checks import require
from synergic._core.files import check_path, read_arrays, reading
from synergic.data._cache import FOLDER_VARIABLE, cache
from synergic.errors import DataError, FormatError

SIZE, DRAWERS, BACKGROUND, EVALUATION = 31, 20, 964, 659
MEAN, DEVIATION = 0.9195, 0.2721
"""Of white paper with black ink, in the normalisation of the publication."""
PACKED = "omniglot_packed105.npz"


@dataclass(frozen=True, eq=False)
class Episodes:
    """Support and queries of several episodes: (character, drawer), and rotations by 90 degrees, 4 more if mirrored.

    support : (episodes, ways, shots, 2), queries : (episodes, ways, queries, 2), orientations : (episodes, ways).
    """

    support: Tensor
    queries: Tensor
    orientations: Tensor


def load_omniglot(folder: str | Path | None = None) -> Tensor:
    """Load the characters of Omniglot in the official order, background first, normalised.

    Parameters
    ----------
    folder : str or pathlib.Path, optional
        Folder that holds omniglot_packed105.npz (arrays background_packed and evaluation_packed, a row a drawing of
        105 x 105 bits, 1 = ink) or torchvision's omniglot-py. Default: $SYNERGIC_DATA, then the cache in the home
        folder, which torchvision fills by a download.

    Returns
    -------
    torch.Tensor
        float32, (1623, 20, 31, 31): character, drawer, height, width.

    Raises
    ------
    DataError
        If the set is nowhere to be had.
    FormatError
        For a damaged file.
    ParameterError
        For a folder that is no path.
    """
    if folder is not None:
        check_path("load_omniglot.folder", folder)
    given = folder or os.environ.get(FOLDER_VARIABLE)
    place = Path(given) if given else cache()
    if (place / PACKED).is_file():
        return normalised(read_packed(place / PACKED))
    if given and not (place / "omniglot-py").is_dir():
        raise DataError(
            f"Omniglot: not in {place}. Allowed: {PACKED}, or torchvision's omniglot-py. Leave the folder out to "
            "download it."
        )
    import torchvision  # with what it loads it takes as long as torch

    try:
        parts = [torchvision.datasets.Omniglot(str(place), background=b, download=not given) for b in (True, False)]
    except (OSError, RuntimeError) as error:
        raise DataError(
            f"Omniglot: not in {place}, and the download failed: {error}. Put {PACKED} or omniglot-py into a folder "
            f"and name it, as the argument or in ${FOLDER_VARIABLE}."
        ) from error
    with reading(place / "omniglot-py", "Fetch it again."):
        ink = np.stack([np.asarray(image) == 0 for part in parts for image, _ in part])
    return normalised(checked(ink, str(place)))


def read_packed(path: Path) -> npt.NDArray[np.uint8]:
    """(1623, 20, 105, 105) of 0 and 1."""
    file = read_arrays(path, "Fetch it again.")
    with reading(path, "Fetch it again."):
        rows = np.concatenate([ordered(file, part) for part in ("background", "evaluation")])
        ink = np.unpackbits(rows, axis=1)[:, : 105 * 105].reshape(-1, 105, 105)
    return checked(ink, str(path))


def ordered(file: Any, part: str) -> npt.NDArray[np.uint8]:
    """The drawings of a part by alphabet, character and drawer."""
    keys = [file[f"{part}_{name}"] for name in ("drawer", "character", "alphabet")]
    rows: npt.NDArray[np.uint8] = file[f"{part}_packed"][np.lexsort(keys)]
    return rows


def checked(ink: npt.NDArray[Any], where: str) -> npt.NDArray[np.uint8]:
    """The drawings by character; FormatError unless all are there."""
    want = ((BACKGROUND + EVALUATION) * DRAWERS, 105, 105)
    if ink.shape != want:
        raise FormatError(f"{where}: drawings of shape {ink.shape}, allowed {want}. Fetch the set again.")
    return ink.reshape(-1, DRAWERS, 105, 105).astype(np.uint8)


def normalised(ink: npt.NDArray[np.uint8]) -> Tensor:
    """Averaged down to 31 x 31; paper white is 1 before normalisation."""
    small = [functional.adaptive_avg_pool2d(torch.from_numpy(c).float(), SIZE) for c in ink]
    return (1 - torch.stack(small) - MEAN) / DEVIATION


def split_characters(split: str, held_out: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Characters to train on, to validate with and to test with.

    split : "published", a random order of all characters of which the last 100 are for the test (Wu et al. 2022), or
    "official", background and evaluation. held_out : training characters set aside for validation, the last in the
    order; 0 to train on all.
    """
    generator = torch.Generator().manual_seed(seed)
    if split == "published":
        order = torch.randperm(BACKGROUND + EVALUATION, generator=generator)
        rest, test = order[:-100], order[-100:]
    else:
        rest = torch.randperm(BACKGROUND, generator=generator)
        test = torch.arange(BACKGROUND, BACKGROUND + EVALUATION)
    most = len(rest) - 1
    require(0 <= held_out <= most, "split_characters.held_out", held_out, f"0 to {most}", "Set fewer aside.")
    return rest[: len(rest) - held_out], rest[len(rest) - held_out :], test


def draw_episodes(
    characters: Tensor, count: int, ways: int, shots: int, queries: int, appearances: int, generator: torch.Generator
) -> Episodes:
    """Episodes of different characters, no drawing twice in one.

    appearances : of each character, one of which is drawn: 1 as it is, 4 rotated by 90 degrees, 8 mirrored as well.
    """
    fits = 1 <= ways <= len(characters) and shots >= 1 and queries >= 1 and shots + queries <= DRAWERS
    allowed = f"ways of 1 to {len(characters)}, shots + queries of 2 to {DRAWERS}"
    require(fits, "draw_episodes", f"ways {ways}, shots {shots}, queries {queries}", allowed, "Draw smaller ones.")
    remedy = "1 takes characters as they are, 4 turned by quarters, 8 mirrored as well."
    require(appearances in (1, 4, 8), "draw_episodes.appearances", appearances, "1, 4 or 8", remedy)
    place = torch.rand(count, len(characters), generator=generator).argsort(1)[:, :ways]
    drawers = torch.rand(count, ways, DRAWERS, generator=generator).argsort(2)[..., : shots + queries]
    pairs = torch.stack([characters[place][..., None].expand_as(drawers), drawers], -1)
    orientations = torch.randint(appearances, (count, ways), generator=generator)
    return Episodes(pairs[:, :, :shots], pairs[:, :, shots:], orientations)


def distorted(shown: Tensor, by: float, generator: torch.Generator) -> Tensor:
    """Return images (n, 1, height, width), each under an affine map of its own, filled up with the paper's value.

    by : how far each entry of the map may be from the identity's, as a share of half the image's side.
    """
    maps = torch.eye(2, 3) + by * (2 * torch.rand(len(shown), 2, 3, generator=generator) - 1)
    grid = functional.affine_grid(maps.to(shown), list(shown.shape), align_corners=False)
    paper = (1 - MEAN) / DEVIATION
    return functional.grid_sample(shown - paper, grid, align_corners=False) + paper


def oriented_images(images: Tensor, pairs: Tensor, orientations: Tensor) -> Tensor:
    """Return `load_omniglot`'s images (episodes, ways, n, 31, 31), rotated, and mirrored if `orientations` is above 3.

    pairs : (episodes, ways, n, 2); orientations : (episodes, ways).
    """
    pairs, orientations = pairs.to(images.device), orientations.to(images.device)
    shown = images[pairs[..., 0], pairs[..., 1]]
    orientations = orientations[..., None, None, None]
    for quarter in range(1, 4):
        shown = torch.where(orientations % 4 == quarter, torch.rot90(shown, quarter, (-2, -1)), shown)
    return torch.where(orientations >= 4, shown.flip(-1), shown)
