"""The work behind `moiety deid`.

group.py      the words of the command: options and help
settings.py   a configuration file and the options of a run → what the workers need
config_file.py  YAML with the line of every fault; config_schema.py: what may stand in it
items.py      one line, row or composition, the texts in it, and what became of each
jsonl.py, tables.py, compositions.py   the forms of input and output
reading.py    texts → outcomes, in a worker
pool.py       workers: in order, each with a deadline, replaced when they die; ray_pool.py: on Ray
checkpoint.py a file that is written in parts, and how far it is
run.py        `moiety deid text`: all of it, from file to file
sampling.py, page.py, page.html, findings.py, report.py   `moiety deid review`
evaluate.py   `moiety deid evaluate`
train.py      `moiety deid train`
"""
