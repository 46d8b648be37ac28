"""Networks for tables: named columns of numbers and texts become inputs, and outputs become classes or numbers again.

`sources` reads tables in parts: CSV, parquet, npz, or a data set by its name. `columns` describes each column,
`preparation` converts columns to inputs and outputs to predictions, `fitting` trains, `figures` measures, and `files`
saves a network with its preparation. `samenet train`, `predict` and `evaluate` use these modules.
"""
