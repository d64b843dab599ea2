namespace AstStream.Learning.Training;

/// <summary>Where the samples of a clip lie in a window.</summary>
/// <param name="From">The clip's sample that the piece in the window begins with.</param>
/// <param name="Turn">How far the piece is turned in time: so many samples of its end come first.</param>
/// <param name="Length">Samples of the piece; it begins where the window does.</param>
internal readonly record struct PlacedClip(int From, int Turn, int Length)
{
    /// <summary>The clip's sample at one of the window; -1 where none is.</summary>
    public int At(int sample) => sample >= 0 && sample < Length ? From + ((sample - Turn + Length) % Length) : -1;
}
