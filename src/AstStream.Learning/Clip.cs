namespace AstStream.Learning;

/// <summary>The log-mel features of a clip, or of a part of it.</summary>
/// <param name="Frames">Log-mel frames of 10 ms, one after the other: [frames, num_mel_bins], as they are before normalisation.</param>
/// <param name="Start">The first one, counted from the clip's start.</param>
/// <param name="IsCut">Whether there is more of the clip than was asked for.</param>
/// <param name="Problem">Why the clip is not whole: it was cut off, or its end can't be decoded. What is there was heard.</param>
public sealed record Clip(float[] Frames, long Start, bool IsCut, string? Problem);
