"""Makes shards of mixtures: what the student sees of them, and what the teacher says."""
import argparse
import filecmp
import os
import shutil

import numpy as np
import torch

import features
import sounds
import yamnet

BATCH = 16
MIDDLE = 128  # principal components kept of the 512 maps of the teacher's layer 23


def whole_grid(middle):
    """The maps of the six patches, [batch, 6, 512, 6, 4], as one of 32 columns: [batch, 32, 4, 512]."""
    columns = middle.permute(0, 1, 3, 4, 2)
    return torch.cat((columns[:, :5].flatten(1, 2), columns[:, 5, 4:]), 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    sounds.add_arguments(parser)
    parser.add_argument('teacher', help="YAMNet's weights, .npz")
    parser.add_argument('other', help='folder that other-sounds.sh filled')
    parser.add_argument('out', help='folder of the shards')
    parser.add_argument('--first', type=int, default=0, help='number of the first shard, which also seeds it')
    parser.add_argument('--shards', type=int, default=1)
    parser.add_argument('--size', type=int, default=1024, help='mixtures in a shard')
    args = parser.parse_args()
    if args.size % BATCH:
        parser.error(f'--size must be a multiple of {BATCH}')
    torch.set_num_threads(1)

    recordings = sounds.Recordings(args)
    os.makedirs(args.out, exist_ok=True)
    # Shards made with another list would put what is kept out into the training.
    kept = os.path.join(args.out, 'validation.txt')
    if os.path.exists(kept) and not filecmp.cmp(kept, args.validation, shallow=False):
        raise SystemExit(f'error: the shards in {args.out} were made with another list of recordings to keep out ({kept}); take an empty folder')
    if not os.path.exists(kept):
        shutil.copyfile(args.validation, kept)
    teacher = yamnet.Yamnet(args.teacher)
    other = [sounds.OtherSounds(args.other, kind) for kind in ('speech', 'music', 'other')]
    basis_path = os.path.join(args.out, 'basis.npz')
    if not os.path.exists(basis_path):
        fit_basis(basis_path, teacher, recordings.mixer(recordings.train, *other, seed=1 << 32))
    basis = np.load(basis_path)

    for shard in range(args.first, args.first + args.shards):
        path = os.path.join(args.out, f'{shard:05}')
        if os.path.exists(path + '.done'):
            continue
        mixer = recordings.mixer(recordings.train, *other, seed=shard)
        fbank = np.zeros((args.size, features.FRAMES, 128), np.float16)
        middle = np.zeros((args.size, 32, 4, MIDDLE), np.float16)
        embedding = np.zeros((args.size, len(yamnet.PATCH_STARTS), 1024), np.float16)
        targets = np.zeros((args.size, len(recordings.names)), np.float16)
        for start in range(0, args.size, BATCH):
            samples, mel, there = mixer.batch(BATCH)
            maps, emb = teacher.patches(samples)
            grid = whole_grid(maps.float())
            at = slice(start, start + BATCH)
            fbank[at] = mel.numpy()
            middle[at] = ((grid.numpy() - basis['mean']) @ basis['components'] / basis['scale']).astype(np.float16)
            embedding[at] = emb.sqrt().numpy()
            targets[at] = there.numpy()
        for name, array in (('fbank', fbank), ('middle', middle), ('embedding', embedding), ('targets', targets)):
            np.save(f'{path}.{name}.npy', array)
        open(path + '.done', 'w').close()
        print(f'shard {shard}: {args.size} mixtures', flush=True)


def fit_basis(path, teacher, mixer):
    """Principal components of the teacher's middle maps, over 256 mixtures."""
    cells = []
    for _ in range(16):
        samples = torch.from_numpy(np.stack([mixer.draw()[0] for _ in range(BATCH)]))
        cells.append(whole_grid(teacher.patches(samples)[0].float()).reshape(-1, 512).numpy())
    cells = np.concatenate(cells)
    mean = cells.mean(0)
    values, vectors = np.linalg.eigh(np.cov((cells - mean).T))
    values, vectors = values[::-1][:MIDDLE], vectors[:, ::-1][:, :MIDDLE]
    # Half whitened: the loud directions still count more, but not alone.
    scale = values ** 0.25
    scale *= np.sqrt((values / scale ** 2).mean())
    np.savez(path + '.part.npz', mean=mean.astype(np.float32), components=vectors.astype(np.float32), scale=scale.astype(np.float32))
    os.replace(path + '.part.npz', path)
    print(f'middle maps: {values.sum() / np.cov((cells - mean).T).trace():.0%} of the variance kept', flush=True)


main()
