"""The features of a partition as one plain file for each view, to read without a store."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
import polars as pl

from featurestore.reading import scan, snapshot
from featurestore.views import registry
from featurestore.views.spec import spec_json
from featurestore.wanted import load_any_spec, require
from warehouse.errors import Retryable
from warehouse.storage.disk import make_folder, whole_file, write_file
from warehouse.store import Store

Form = Literal["hdf5", "parquet"]

_SUFFIX = {"hdf5": ".h5", "parquet": ".parquet"}
_ROWS_AT_ONCE = 512
_ENDS = "_ends"


def export_features(store: Store, partition: str, folder: Path, form: Form) -> dict[Path, int]:
    """Write the wanted features of a partition, a file for each view, and the recipe beside it.

    Args:
        store: Where they are.
        partition: One that is extracted.
        folder: Where to; made where it is missing, and files of these names are replaced.
        form: An HDF5 file has a dataset for each column; of a column of lists, one of all values
            and, named `_ends`, one of where each row's values end.

    Returns:
        The rows of each file.

    Raises:
        Invalid: There is no such partition, it has no up-to-date features, or the folder cannot
            be written.
        Retryable: The disk is full.
    """
    pinned = snapshot.pin(store, [partition], require(store))
    make_folder(folder)
    num_rows: dict[Path, int] = {}
    for view in registry.names():
        if view not in pinned.fingerprints:
            continue
        rows = scan.features(store, pinned, view).drop("partition")
        path = folder / f"{view}{_SUFFIX[form]}"
        about = {
            "partition": partition,
            "commit": pinned.pins[0].features[view],
            "fingerprint": pinned.fingerprint(view),
        }
        write = _write_hdf5 if form == "hdf5" else _write_parquet
        with whole_file(path) as staging:
            write(rows, staging, about)
        spec = load_any_spec(store, view, pinned.fingerprint(view))
        write_file(folder / f"{view}_spec.json", spec_json(spec))
        num_rows[path] = int(rows.select(pl.len()).collect().item())
    return num_rows


def _write_parquet(rows: pl.LazyFrame, path: Path, about: dict[str, str]) -> None:
    try:
        rows.sink_parquet(path, compression="zstd", metadata=about, maintain_order=True)
    except pl.exceptions.PolarsError as error:
        raise Retryable(f"{path.parent} cannot be written ({error}): make room") from error


def _write_hdf5(rows: pl.LazyFrame, path: Path, about: dict[str, str]) -> None:
    schema = rows.collect_schema()
    lists = [name for name, dtype in schema.items() if isinstance(dtype, pl.List)]
    sizes = rows.select(pl.len(), *(pl.col(name).list.len().sum() for name in lists)).collect()
    num_rows = sizes["len"].item()
    with h5py.File(path, "w") as file:
        file.attrs.update(about)
        for name, dtype in schema.items():
            if name in lists:
                file.create_dataset(name, (sizes[name].item(),), _element(dtype))
                file.create_dataset(name + _ENDS, (num_rows,), np.int64)
            else:
                shape = dtype.shape if isinstance(dtype, pl.Array) else ()
                file.create_dataset(name, (num_rows, *shape), _element(dtype))
        filled = dict.fromkeys(file, 0)
        batches = rows.collect_batches(chunk_size=_ROWS_AT_ONCE, maintain_order=True)
        for name, values in _columns(batches):
            start = filled[name]
            is_end = name.endswith(_ENDS)
            before = file[name][start - 1] if is_end and start else 0
            filled[name] += len(values)
            file[name][start : filled[name]] = values + before if is_end else values


def _columns(batches: Iterable[pl.DataFrame]) -> Iterator[tuple[str, Any]]:
    """Take batches apart into the arrays that become datasets.

    Yields:
        The dataset's name and the values to add; ends are counted from the batch's first value.
    """
    for batch in batches:
        for column in batch:
            if isinstance(column.dtype, pl.List):
                yield column.name, column.explode(empty_as_null=False).to_numpy()
                yield column.name + _ENDS, column.list.len().cum_sum().cast(pl.Int64).to_numpy()
            else:
                yield column.name, column.to_numpy()


def _element(dtype: Any) -> Any:
    """The type of the single values of a column, as h5py knows it."""
    while isinstance(dtype, pl.List | pl.Array):
        dtype = dtype.inner
    if dtype == pl.String:
        return h5py.string_dtype()
    return pl.Series([], dtype=dtype).to_numpy().dtype
