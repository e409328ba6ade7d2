"""With its effect switched off, no lab of E2 finds what it registers. And the layer that one of them adds."""

import pytest
import torch
from changed_code import SEEDS, code, rulings
from torch import nn

pytestmark = pytest.mark.usefixtures("one_thread")


def test_a_kernel_of_one_pixel_cannot_be_told_from_its_flip() -> None:
    assert rulings(code("weighted_sum"), kernel=1)["not_flipped"] == "refuted"


def test_one_channel_is_all_there_is_when_there_is_only_one() -> None:
    assert rulings(code("weighted_sum"), channels=1)["every_channel"] == "refuted"


def test_without_batch_norm_a_bias_is_no_dead_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    module = code("conv_parameters")
    monkeypatch.setattr(nn, "BatchNorm2d", lambda channels: nn.Identity())
    assert rulings(module)["bias_before_norm"] == "refuted"


def test_channels_that_have_nothing_in_common_tell_nothing_about_mixing() -> None:
    assert rulings(code("channel_mixing"), noise=1000.0, steps=30)["independent"] == "supported"


def test_the_same_network_twice_says_nothing_about_sharing(monkeypatch: pytest.MonkeyPatch) -> None:
    module = code("weight_sharing")
    network = module.network
    both = {"unshared": "shared"}
    monkeypatch.setattr(module, "network", lambda arm, width: network(both.get(arm, arm), width))
    assert rulings(module, steps=30)["not_across_positions"] == "supported"


def test_kernels_that_start_apart_do_not_stay_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    module = code("symmetry_breaking")
    network = module.network
    monkeypatch.setattr(module, "network", lambda arm, value: network("drawn", value))
    assert rulings(module, steps=20)["equal_stay_equal"] == "refuted"


def test_kernels_that_have_hardly_trained_are_no_better_than_random_ones() -> None:
    assert rulings(code("first_layer_kernels"), steps=1)["useful"] != "supported"


def test_odd_kernels_in_the_place_of_even_ones_do_not_drift(monkeypatch: pytest.MonkeyPatch) -> None:
    module = code("kernel_sizes")
    monkeypatch.setattr(module, "SIDES", {"k2": 3, "k3": 3, "k4": 5, "k5": 5})
    assert rulings(module)["even_drift"] == "refuted"


def test_even_kernels_in_the_place_of_odd_ones_do_not_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    module = code("kernel_sizes")
    monkeypatch.setattr(module, "SIDES", {"k2": 2, "k3": 2, "k4": 4, "k5": 4})
    assert rulings(module)["odd_stay"] == "refuted"


def test_one_pixel_kernels_widen_no_field(monkeypatch: pytest.MonkeyPatch) -> None:
    module = code("receptive_field")
    convolve = module.F.conv2d
    centre = torch.zeros(1, 1, 3, 3)
    centre[0, 0, 1, 1] = 1.0
    monkeypatch.setattr(module.F, "conv2d", lambda x, weight, *a, **k: convolve(x, weight * centre, *a, **k))
    found = rulings(module, SEEDS[:3])
    assert found["depth_widens"] == found["one_layer_local"] == "refuted"
    assert found["effective_root"] == "refuted"


def test_a_convolution_in_the_place_of_pooling_is_not_taken_for_pooling(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = code("pooling_by_channel")
    layer = module.layer
    monkeypatch.setattr(module, "layer", lambda arm, window: layer("convolution", window))
    found = rulings(module)
    assert found["one_channel"] == found["across_places"] == "refuted"


def test_networks_that_see_a_patch_do_not_pass_for_pooling_free_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    module = code("global_without_pooling")
    network = module.network
    kept = ("average", "patch")
    monkeypatch.setattr(module, "network", lambda arm, width: network(arm if arm in kept else "patch", width))
    found = rulings(module, steps=60)
    assert found["pooling_needed"] == found["pooling_ahead"] == "supported"


def test_a_map_that_is_kept_does_not_lose_the_place(monkeypatch: pytest.MonkeyPatch) -> None:
    module = code("where_task")
    whole = module.Net
    monkeypatch.setattr(module, "Net", lambda arm, width: whole("flatten", width))
    found = rulings(module, SEEDS[:3], steps=30, width=4)
    assert found["place_is_lost"] == "refuted"
    assert found["pooling_is_the_way"] == "supported"


def test_without_subsampling_no_shift_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    module = code("equivariance")
    still = dict.fromkeys(module.ARMS, ("circular", lambda x: x))
    monkeypatch.setattr(module, "ARMS", still)
    found = rulings(module)
    assert found["two_by_two_does_not"] == found["stride_is_worst"] == "refuted"


def test_without_shared_weights_a_shift_changes_the_features(monkeypatch: pytest.MonkeyPatch) -> None:
    module = code("equivariance")
    own = torch.arange(1.0, 17.0)  # a factor for each column: not the same weights everywhere
    changed = {**module.ARMS, "circular": ("circular", lambda x: x * own)}
    monkeypatch.setattr(module, "ARMS", changed)
    assert rulings(module)["sharing_ignores_places"] == "supported"


def test_digits_that_stay_centred_show_no_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    module = code("pooling_and_shift")
    placed = module.placed
    monkeypatch.setattr(module, "placed", lambda images, shift: placed(images, 0))
    found = rulings(module, steps=30, width=4)
    assert found["whole_map_holds"] == found["two_by_two_fails"] == "refuted"


def test_without_pooling_on_the_way_one_pixel_hurts_no_more_than_two(monkeypatch: pytest.MonkeyPatch) -> None:
    module = code("aliasing")
    network = module.network
    monkeypatch.setattr(module, "network", lambda arm, width: network("unpooled", width))
    assert rulings(module, SEEDS[:3], steps=20, width=4)["odd_shifts_hurt"] == "refuted"


@pytest.mark.parametrize("members", [1, 3])
def test_a_locally_connected_layer_with_one_kernel_for_all_places_is_a_convolution(members: int) -> None:
    module = code("weight_sharing")
    torch.manual_seed(0)
    conv = nn.Conv2d(2, 4, 3, padding=1, dtype=torch.float64)
    local = module.LocallyConnected(2, 4, 5).double()
    places = 25
    # at each place: (4, 9 * 2) with the nine taps first, the channels inside
    kernel = conv.weight.permute(0, 2, 3, 1).reshape(1, 4, 18)
    local.at.weight.data = kernel.expand(members * places, 4, 18).reshape(-1, 18, 1, 1).clone()
    local.at.bias.data = conv.bias.expand(members * places, 4).reshape(-1).clone()
    x = torch.randn(6, members * 2, 5, 5, dtype=torch.float64)
    expected = torch.cat([conv(part) for part in x.split(2, dim=1)], dim=1)
    torch.testing.assert_close(local(x), expected)


def test_locally_connected_members_train_as_they_would_alone() -> None:
    from labs.ensemble import Adam, Ensemble, cross_entropy

    module = code("weight_sharing")
    net = Ensemble(lambda: module.network("unshared", 2), [0, 1], dtype=torch.float64)
    adam = Adam(net, lr=1e-2)
    alone = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        alone.append(module.network("unshared", 2).double())
    optimizers = [torch.optim.Adam(plain.parameters(), lr=1e-2) for plain in alone]
    generator = torch.Generator().manual_seed(0)
    for _ in range(3):
        x = torch.randn(2, 8, 1, 16, 16, generator=generator, dtype=torch.float64)
        y = torch.randint(10, (2, 8), generator=generator)
        loss = cross_entropy(net(x), y)
        for member, (plain, optimizer) in enumerate(zip(alone, optimizers, strict=True)):
            single = nn.functional.cross_entropy(plain(x[member]), y[member])
            torch.testing.assert_close(loss[member], single)
            optimizer.zero_grad()
            single.backward()
            optimizer.step()
        adam.step(loss)
