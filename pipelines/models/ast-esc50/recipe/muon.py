"""An optimizer for matrices."""
import torch


class Muon(torch.optim.Optimizer):
    """Momentum whose step is made orthogonal by Newton and Schulz's iteration (K. Jordan, 2024): for the blocks' matrices."""

    def __init__(self, params, lr, momentum=0.95, weight_decay=0.0):
        super().__init__(params, {'lr': lr, 'momentum': momentum, 'weight_decay': weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            shapes = {}
            for p in group['params']:
                buffer = self.state[p].setdefault('momentum', torch.zeros_like(p))
                buffer.lerp_(p.grad, 1 - group['momentum'])
                step = p.grad.lerp(buffer, group['momentum'])
                parts = step.chunk(3) if step.shape[0] == 3 * step.shape[1] else [step]  # query, key and value are three matrices
                shapes.setdefault(parts[0].shape, []).append((p, parts))
            for shape, steps in shapes.items():  # those of a shape together
                stacked = torch.stack([part for _, parts in steps for part in parts])
                all_parts = self.orthogonal(stacked).split([len(parts) for _, parts in steps])
                for (p, _), parts in zip(steps, all_parts):
                    p.mul_(1 - group['lr'] * group['weight_decay'])
                    p.add_(parts.flatten(0, 1), alpha=-group['lr'] * 0.2 * max(shape) ** 0.5)  # as large as a step of Adam's

    @staticmethod
    def orthogonal(g):
        """Of matrices [matrices, rows, columns]."""
        x = g.transpose(1, 2) if g.shape[1] > g.shape[2] else g
        x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
        for _ in range(5):
            a = x @ x.transpose(1, 2)
            x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
        return x.transpose(1, 2) if g.shape[1] > g.shape[2] else x
