"""Generated objects of every class of the reference model, for properties that all must have."""

from typing import get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from moiety.openehr.rm_types import attribute_classes

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=8)
PLAIN = {
    str: TEXT,
    int: st.integers(-(2**63), 2**63 - 1),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
}


def objects(rm_class, depth=3, text=TEXT, least=0):
    """Objects of a class, attributes filled or not, down to a depth.

    `text` are the texts they hold, `least` the least length of a list.
    """
    hints = get_type_hints(rm_class)
    attributes = {}
    for name in rm_class.__struct_fields__:
        hint = next(part for part in (*get_args(hints[name]), hints[name]) if part is not None)
        many = get_origin(hint) is list
        inner = get_args(hint)[0] if many else hint
        classes = attribute_classes(rm_class, name)
        if classes and depth == 0:
            continue
        below = _below(classes, depth, text, least) if classes else _plain(inner, text, least)
        whole = st.lists(below, min_size=least, max_size=2) if many else below
        attributes[name] = st.none() | whole
    return st.builds(rm_class, **attributes)


def _below(classes, depth, text, least):
    if len(classes) > 5:
        return st.sampled_from(classes).flatmap(lambda c: objects(c, depth - 1, text, least))
    return st.one_of([st.deferred(lambda c=c: objects(c, depth - 1, text, least)) for c in classes])


def _plain(hint, text, least):
    if get_origin(hint) is dict:
        return st.dictionaries(text, text, min_size=least, max_size=2)
    return text if hint is str else PLAIN[hint]
