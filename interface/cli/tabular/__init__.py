"""Networks for tables: columns with names and texts become inputs, and outputs become classes or numbers again.

`sources` reads tables in parts: CSV, parquet, npz, or a data set by its name. `columns` says what each column is,
`preparation` makes inputs of them and answers of outputs, `fitting` trains, `figures` measures, and `files` keeps a
network with its preparation. `samenet train`, `predict` and `evaluate` are made of these.
"""
