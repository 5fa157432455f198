"""The work behind `moiety deid`.

group.py      the words of the command; text_options.py: the options of `text` and their help
settings.py   a configuration file and the options of a run → what the workers need
config_file.py  YAML with the line of every fault; config_schema.py: what may stand in it
items.py      one line, row or composition, the texts in it, and what became of each
jsonl.py, tables.py, parquet.py, compositions.py   the forms of input and output
reading.py    texts → outcomes, in a worker
pool.py       workers: in order, each with a deadline, replaced when they die; ray_pool.py: on Ray
checkpoint.py a file that is written in parts, and how far it is
task.py       the options of a run, carried out; run.py: input → workers → output
review.py     `moiety deid review`: its words; sample.py, page.html: what people read;
              report.py: what their findings prove; gold.py: what they teach
evaluate.py   `moiety deid evaluate`
train.py      `moiety deid train`
"""
