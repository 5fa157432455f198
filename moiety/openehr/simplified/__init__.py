"""The simplified formats: FLAT and STRUCTURED documents, web templates, examples
(ITS-REST, Simplified Formats).

    document ─ fields ─► Fields ─ reading ─► composition      (context: what ctx says once)
    composition ─ writing ─► Fields ─ fields ─► document

tree            template → web tree: ids, levels left out
web_template    web tree → JSON that forms are built from; inputs: fields of each data type
fields          documents as trees of fields; both texts of such a tree
parts           how classes are spread over fields; values, writing_values: both directions
parties         parties, participations, references
context         ctx/…
own             attributes that nodes have beside what the template puts below them
levels          objects while they are read; elements: an ELEMENT and its value
reading         fields → composition
writing         composition → fields
example         a made-up composition of a template; example_values: its values
forms           what a template needs for all of it, prepared once
"""
