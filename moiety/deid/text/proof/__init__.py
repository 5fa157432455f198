"""How well it works, as figures that another hand can check.

scoring     gold and predicted spans → recall, precision, traps, per label and per style
bounds      exact lower bounds of a share, from a sample; agreement of two reviewers
sampling    how many documents to read, and which: from a seed that is told
"""
