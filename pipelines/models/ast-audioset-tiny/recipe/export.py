"""Writes the moving average of a training as a model in Hugging Face's format, and beside it what only training needs.

    export.py STATE.pt MODEL-FOLDER [START SHARE]

With the folder that training began with, that share of the weights is the start's: what lies between the two hears sound that neither was
trained on better than either (M. Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022).
"""
import os
import sys

import kinds  # first: it says where the modules of the model before are
import ast_model
import torch
from student import HEADS, Student, configuration, deeper


def main():
    if len(sys.argv) not in (3, 5):
        raise SystemExit(__doc__)
    state, folder = sys.argv[1:3]
    before, preprocessor = ast_model.load(kinds.BEFORE)
    average = {name: value.float() for name, value in torch.load(state, map_location='cpu')['average'].items()}
    layers = 1 + max(int(name.split('.')[2]) for name in average if name.startswith('model.blocks.'))
    if len(sys.argv) == 5:
        start, share = deeper(sys.argv[3], layers).state_dict(), float(sys.argv[4])
        average = {name: value.lerp(start[name], share) for name, value in average.items()}
    student = Student(ast_model.Ast(configuration(before, layers)))
    student.load_state_dict(average)
    ast_model.save(student.model, folder, preprocessor, student.localiser())
    os.makedirs(os.path.dirname(os.path.join(folder, HEADS)), exist_ok=True)
    heads = {name: value for name, value in student.state_dict().items() if name.startswith('embedding.')}
    ast_model.write_tensors(heads, os.path.join(folder, HEADS))


main()
