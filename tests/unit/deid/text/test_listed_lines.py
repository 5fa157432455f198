"""Numbers between the commas of a list are found as they are elsewhere."""


def test_an_nhs_number_between_commas_is_found_and_a_count_is_not(found):
    assert ["9018834471"] == [words for _, words in found("drove here,9018834471,85")]
    assert [] == [words for _, words in found("CD4 count 1,234,567 copies")]
