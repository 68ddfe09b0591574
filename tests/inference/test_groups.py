from weakseg.inference.groups import in_groups


def grouped(items, size, waiting=10**9):
    return list(
        in_groups(items, size=size, key=lambda x: x % 3, pixels=lambda _: 1, max_pixels=waiting)
    )


def test_every_item_is_in_one_group_of_its_kind():
    groups = grouped(range(20), size=4)
    assert sorted(item for group in groups for item in group) == list(range(20))
    assert all(len({item % 3 for item in group}) == 1 and len(group) <= 4 for group in groups)
    assert [len(group) for group in groups][:3] == [4, 4, 4]


def test_no_more_wait_than_are_allowed():
    seen = []

    def source():
        for item in range(30):
            seen.append(item)
            yield item

    given = 0
    groups = in_groups(source(), size=100, key=lambda x: x, pixels=lambda _: 1, max_pixels=5)
    for group in groups:
        assert len(seen) - given <= 6
        given += len(group)
    assert given == 30


def test_nothing_gives_no_group():
    assert grouped([], size=2) == []
