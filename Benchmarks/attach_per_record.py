"""Finds the concepts of each image by itself, as the official scripts do: the vocabulary is normalised again for every
record, in float16. Arguments: two files of float16 numbers (images, concepts), the width, the concepts of an image.
Prints records a second and the checksum of the concepts found.
"""

import sys
import time

import numpy
import torch

images, concepts = (torch.from_numpy(numpy.fromfile(path, "float16").reshape(-1, int(sys.argv[3]))) for path in sys.argv[1:3])
names = {index: f"concept {index}" for index in range(len(concepts))}
top = int(sys.argv[4])


def concepts_of(image):
    row = image.unsqueeze(0)
    row = row / row.norm(dim=-1, keepdim=True)
    vocabulary = concepts / concepts.norm(dim=-1, keepdim=True)
    best = torch.topk(row @ vocabulary.t(), top, dim=-1)[1]
    return [names[index] for index in best[0].cpu().numpy().tolist()]


with torch.no_grad():
    concepts_of(images[0])
    start = time.perf_counter()
    found = [concepts_of(image) for image in images]
    seconds = time.perf_counter() - start
print(len(images) / seconds, sum(int(name.split()[1]) for row in found for name in row))
