"""What stands in a text where an identifier stood.

policy          tags, surrogates or nothing; what becomes of dates, birth dates and ages
written_dates   a written date, moved by days, in the form in which it was written
keyed           numbers, letters and choices that follow from a project's key
surrogates      a stand-in of the same kind and shape, the same for the same identifier
ages            ages over 89, pooled
replacing       text and spans → text without them, and where its stand-ins are
residue         a second look over the result: what must not be released unseen
"""
