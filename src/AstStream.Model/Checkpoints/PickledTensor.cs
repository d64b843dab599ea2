namespace AstStream.Model.Checkpoints;

/// <summary>A tensor over a storage; offset and strides in elements.</summary>
internal sealed record PickledTensor(PickledStorage Storage, long Offset, long[] Size, long[] Stride);
