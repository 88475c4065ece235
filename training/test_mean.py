"""What the mean of adapters is; left out where the packages of requirements.txt are not installed."""

import unittest

try:
    import torch

    from mean import mean
except ModuleNotFoundError as error:
    raise unittest.SkipTest("needs the packages of requirements.txt") from error


def adapter(rank: int, seed: int) -> dict[str, torch.Tensor]:
    make = torch.Generator().manual_seed(seed)
    return {"q.lora_A.weight": torch.randn(rank, 12, generator=make), "q.lora_B.weight": torch.randn(10, rank, generator=make)}


class Mean(unittest.TestCase):
    def test_it_is_that_of_the_products_whatever_the_ranks(self):
        one, other = adapter(2, 1), adapter(3, 2)
        state = mean([0.7, 0.3], [one, other], rank=5)
        product = lambda f: f["q.lora_B.weight"] @ f["q.lora_A.weight"]
        torch.testing.assert_close(state["q.lora_B"] @ state["q.lora_A"], 0.7 * product(one) + 0.3 * product(other))

    def test_of_a_lower_rank_it_is_the_nearest(self):
        one, other = adapter(2, 1), adapter(3, 2)
        state = mean([1.0, -0.2], [one, other], rank=1)
        whole = one["q.lora_B.weight"] @ one["q.lora_A.weight"] - 0.2 * other["q.lora_B.weight"] @ other["q.lora_A.weight"]
        rest = torch.linalg.matrix_norm(whole - state["q.lora_B"] @ state["q.lora_A"])
        torch.testing.assert_close(rest, torch.linalg.svdvals(whole)[1:].norm())


if __name__ == "__main__":
    unittest.main()
