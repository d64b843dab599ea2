"""A linear probe on the teacher's embeddings for the fifty classes: soft targets for the student."""
import torch
import torch.nn.functional as F


def pooled(embedding):
    """[batch, 6, 1024], standardised, to [batch, 2048]: the mean over the window and its maximum."""
    return torch.cat((embedding.mean(1), embedding.max(1).values), 1)


def fit(embedding, targets, epochs=12):
    """Weights [2048, 50] and bias of a probe by logistic loss on mixtures; rows of unknown class are left out."""
    known = (targets >= 0).all(1)
    x, y = pooled(embedding[known]), targets[known]
    if len(x) < 128:
        raise SystemExit(f'error: {len(x)} mixtures of known classes; at least 128 are wanted')
    weight = torch.zeros(x.shape[1], y.shape[1], requires_grad=True)
    bias = torch.full((y.shape[1],), -4.0, requires_grad=True)
    optimizer = torch.optim.AdamW([weight, bias], 2e-3, weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=epochs * (len(x) // 128))
    for _ in range(epochs):
        order = torch.randperm(len(x))
        for start in range(0, len(x) - 127, 128):
            batch = order[start:start + 128]
            inputs = F.dropout(x[batch], 0.3)
            loss = F.binary_cross_entropy_with_logits(inputs @ weight + bias, y[batch], reduction='none').sum(1).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return weight.detach(), bias.detach()


def scores(embedding, probe):
    weight, bias = probe
    return torch.sigmoid(pooled(embedding) @ weight + bias)
