"""Results of queries as files and streams, written while they are read.

Each writer takes the names of the columns and batches of rows, and gives pieces of octets; what it
holds at once is a batch, or a row group of Parquet.

lines.py    CSV and NDJSON
tables.py   Apache Arrow and Parquet, with the extra `arrow`
"""
