"""Detectors behind one protocol, alone or together.

protocol      what a detector is, and how one fails
built_in      our own
canary        a text that a detector must see through before it is trusted
chunking      long texts in pieces that overlap, for detectors that read only so much
ensemble      several detectors: what any finds, or what enough of them find
classifying   models that give each token its kind
libraries     other people's libraries, imported when a configuration names them
presidio, gliner, medcat, huggingface, onnx     adapters to them
"""
