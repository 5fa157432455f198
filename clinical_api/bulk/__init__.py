"""Bulk: whole records in and out, as lines of JSON or as EHR Extracts.

A line is a contribution with all its versions, the first of an EHR with the EHR itself, so that a
line is the least that can be there or not be there.

lines.py      the lines, as they are read
looking.py    what the database knows of what a batch of lines names
preparing.py  a line, checked by what is known, made ready to be written
copying.py    ready lines written by COPY, in one transaction
apart.py      lines that are no contribution: templates, stored queries, tags
importing.py  batches, what is stored and what is refused
exporting.py  EHRs as lines, streamed
extracts.py   one EHR as an EXTRACT, both ways
"""
