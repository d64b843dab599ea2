"""A linear probe on the teacher's embeddings, for the groups of kinds.py."""
import torch
import torch.nn.functional as F


def root(embedding):
    """The embedding's long tail made short; a Hardswish is never under -0.375."""
    return (embedding + 0.4).clamp_min(0).sqrt()


class Probe:
    """Logits of the groups [windows, groups] from what root gives, by logistic regression to the groups that are known."""

    def __init__(self, embedding, groups, steps=600):
        x = root(embedding)
        self.mean, self.std = x.mean(0), x.std(0).clamp_min(0.02)
        x, known, there = (x - self.mean) / self.std, (groups >= 0).float(), groups.clamp_min(0).float()
        random = torch.Generator().manual_seed(0)
        self.weight = torch.zeros(groups.shape[1], x.shape[1], device=x.device, requires_grad=True)
        self.bias = torch.full((groups.shape[1],), -5.0, device=x.device, requires_grad=True)
        optimizer = torch.optim.AdamW([{'params': [self.weight], 'weight_decay': 0.1}, {'params': [self.bias], 'weight_decay': 0.0}])
        for step in range(steps):
            rate = 2e-3 * min(1, 2 * (steps - step) / steps)
            for group, times in zip(optimizer.param_groups, (1, 3)):
                group['lr'] = times * rate
            i = torch.randint(len(x), (512,), generator=random).to(x.device)
            loss = (F.binary_cross_entropy_with_logits(F.linear(x[i], self.weight, self.bias), there[i], reduction='none') * known[i]).sum(
                1
            )
            optimizer.zero_grad()
            loss.mean().backward()
            optimizer.step()
        self.weight.requires_grad_(False)
        self.bias.requires_grad_(False)

    def normal(self, embedding):
        return (root(embedding) - self.mean) / self.std

    def __call__(self, embedding):
        return F.linear(self.normal(embedding), self.weight, self.bias)
